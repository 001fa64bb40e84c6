/** What Prometheus' own clients say of the process they are in: processor time, memory, when it began. */
import type { Registry } from '../telemetry/index.js';

export function processMetrics(registry: Registry): void {
  const cpu = registry.counter({
    name: 'process_cpu_seconds_total',
    help: 'Processor time that was spent, of the user and of the system, in seconds.',
  });
  const resident = registry.gauge({
    name: 'process_resident_memory_bytes',
    help: 'Memory that is resident, in bytes.',
  });
  const heap = registry.gauge({
    name: 'nodejs_heap_size_used_bytes',
    help: 'Memory of the heap that is in use, in bytes.',
  });
  const started = registry.gauge({
    name: 'process_start_time_seconds',
    help: 'When the process began, in seconds since 1970.',
  });
  started.of().set(performance.timeOrigin / 1000);
  registry.onCollect(() => {
    const { user, system } = process.cpuUsage();
    cpu.of().advanceTo((user + system) / 1e6);
    const memory = process.memoryUsage();
    resident.of().set(memory.rss);
    heap.of().set(memory.heapUsed);
  });
}
