import { expect } from 'chai';
import { createLogger, type LogLevels } from '#src/telemetry/index.js';

function heard(level: LogLevels, speak: (log: ReturnType<typeof createLogger>) => void): string[] {
  const messages: string[] = [];
  speak(createLogger(({ message }) => messages.push(message), level));
  return messages;
}

describe('logger', () => {
  it('goes by the level of the controller, Runnable or informer that speaks', () => {
    const messages = heard({ default: 'warn', names: { web: 'debug', pods: 'error' } }, (log) => {
      log.info('root');
      log.with({ controller: 'web' }).debug('web');
      log.with({ controller: 'web' }).with({ object: 'a/b' }).debug('web, further');
      log.with({ controller: 'other' }).info('other');
      log.with({ controller: 'other' }).warn('other, loud');
      log.with({ informer: 'pods' }).warn('pods');
    });
    expect(messages).to.deep.equal(['web', 'web, further', 'other, loud']);
  });

  it('takes no name for part of an object', () => {
    expect(heard({ names: {} }, (log) => log.with({ logger: 'constructor' }).info('hello'))).to.deep.equal([
      'hello',
    ]);
  });
});
