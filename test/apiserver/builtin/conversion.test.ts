/** Built-in kinds under several names. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { JsonObject } from 'gyre/api';
import { convertEvent } from '#src/apiserver/builtin/conversion/events.js';
import { convertAutoscaler } from '#src/apiserver/builtin/conversion/horizontal-pod-autoscaler.js';

const v2 = (metrics: readonly object[], more: object = {}): JsonObject =>
  ({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'h', annotations: { mine: 'kept' } },
    spec: { maxReplicas: 3, ...(metrics.length === 0 ? {} : { metrics }), ...more },
  }) as JsonObject;
const cpu = (averageUtilization: number) => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});
const memory = {
  type: 'Resource',
  resource: { name: 'memory', target: { type: 'Utilization', averageUtilization: 60 } },
};

describe('a HorizontalPodAutoscaler of two versions', () => {
  it('has the cpu utilisation in a field of its own in v1', () => {
    const converted = convertAutoscaler(v2([cpu(80)]), 'autoscaling/v1');
    expect(converted.spec).to.deep.equal({ maxReplicas: 3, targetCPUUtilizationPercentage: 80 });
    expect(converted.metadata).to.deep.equal({ name: 'h', annotations: { mine: 'kept' } });
  });
  it('carries what v1 has no word for in annotations', () => {
    const converted = convertAutoscaler(
      v2([cpu(80), memory], { behavior: { scaleDown: {} } }),
      'autoscaling/v1',
    );
    expect(Object.keys((converted.metadata as { annotations: object }).annotations)).to.have.members([
      'mine',
      'autoscaling.alpha.kubernetes.io/metrics',
      'autoscaling.alpha.kubernetes.io/behavior',
    ]);
  });
  it('is the same after the way there and back (property)', () => {
    const metrics = fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 100 }), fc.boolean());
    fc.assert(
      fc.property(metrics, fc.boolean(), ([withMemory, percent, withCpu], behaves) => {
        const given = v2(
          [...(withMemory ? [memory] : []), ...(withCpu ? [cpu(percent)] : [])],
          behaves ? { behavior: { scaleUp: { policies: [] } } } : {},
        );
        const there = convertAutoscaler(given, 'autoscaling/v1');
        expect(convertAutoscaler(there, 'autoscaling/v2')).to.deep.equal(given);
      }),
    );
  });
  it('leaves an annotation that is no JSON where it is', () => {
    const broken = {
      ...v2([]),
      apiVersion: 'autoscaling/v1',
      metadata: { annotations: { 'autoscaling.alpha.kubernetes.io/metrics': '{' } },
    };
    expect(convertAutoscaler(broken, 'autoscaling/v2').metadata).to.deep.equal(broken.metadata);
  });
});

describe('an Event of two groups', () => {
  it('is one object whose fields have other names, and the same after the way there and back', () => {
    const core = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'e' },
      involvedObject: { name: 'p' },
      message: 'm',
      count: 2,
      reason: 'R',
      reportingComponent: 'c',
    };
    const converted = convertEvent(core, 'events.k8s.io/v1');
    expect(converted).to.deep.equal({
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'e' },
      regarding: { name: 'p' },
      note: 'm',
      deprecatedCount: 2,
      reason: 'R',
      reportingController: 'c',
    });
    expect(convertEvent(converted, 'v1')).to.deep.equal(core);
  });
});
