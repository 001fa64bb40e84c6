import { expect } from 'chai';
import { conformance } from './conformance.js';

const strategicPatch = { 'content-type': 'application/strategic-merge-patch+json' };
const time = '2017-09-19T13:49:16.000000Z';

conformance('[sig-instrumentation]', (restate) => {
  const coreEvent = (k: { namespace: string }, name: string, labels: Record<string, string> = {}) => ({
    metadata: { name, labels },
    message: 'This is a test event',
    reason: 'Test',
    type: 'Normal',
    count: 1,
    involvedObject: { namespace: k.namespace },
  });

  restate('Events should manage the lifecycle of an event', async (k) => {
    const events = k.at('v1', 'events');
    await k.post(events, coreEvent(k, 'event-test', { 'testevent-constant': 'true' }));
    expect((await k.get('/api/v1/events?labelSelector=testevent-constant%3Dtrue')).items).to.have.length(1);
    await k.patch(`${events}/event-test`, { message: 'This is a test event - patched' }, strategicPatch);
    const read = await k.get(`${events}/event-test`);
    expect(read.message).to.equal('This is a test event - patched');
    const updated = await k.put(`${events}/event-test`, {
      ...read,
      series: { count: 100, lastObservedTime: time },
    });
    expect(updated.series).to.deep.equal({ count: 100, lastObservedTime: time });
    await k.delete(`${events}/event-test`);
    expect((await k.get(`${events}?labelSelector=testevent-constant%3Dtrue`)).items).to.deep.equal([]);
  });

  restate('Events should delete a collection of events', async (k) => {
    const events = k.at('v1', 'events');
    for (const name of ['one', 'two', 'three'])
      await k.post(events, coreEvent(k, name, { 'testevent-set': 'true' }));
    expect((await k.get(`${events}?labelSelector=testevent-set%3Dtrue`)).items).to.have.length(3);
    await k.delete(`${events}?labelSelector=testevent-set%3Dtrue`);
    expect((await k.get(`${events}?labelSelector=testevent-set%3Dtrue`)).items).to.deep.equal([]);
  });

  const newEvent = (k: { namespace: string }, name: string, labels: Record<string, string> = {}) => ({
    metadata: { name, labels },
    regarding: { namespace: k.namespace },
    eventTime: time,
    note: 'This is a test event',
    reason: 'Test',
    action: 'Do',
    type: 'Normal',
    reportingController: 'test-controller',
    reportingInstance: 'test-node',
  });

  restate(
    'Events API should ensure that an event can be fetched, patched, deleted, and listed',
    async (k) => {
      const events = k.at('events.k8s.io/v1', 'events');
      await k.post(events, newEvent(k, 'event-test', { 'testevent-constant': 'true' }));
      expect(
        (await k.get('/apis/events.k8s.io/v1/events?labelSelector=testevent-constant%3Dtrue')).items,
      ).to.have.length(1);
      const byController = await k.get(
        '/apis/events.k8s.io/v1/events?fieldSelector=reportingController%3Dtest-controller',
      );
      expect(byController.items.map((item) => item.metadata.namespace)).to.include(k.namespace);
      const patched = await k.patch(
        `${events}/event-test`,
        { series: { count: 2, lastObservedTime: time } },
        strategicPatch,
      );
      expect(patched.series.count).to.equal(2);
      const updated = await k.put(`${events}/event-test`, {
        ...patched,
        series: { count: 100, lastObservedTime: time },
      });
      expect(updated.series.count).to.equal(100);
      // The same object, as the core group has it.
      expect((await k.get(k.at('v1', 'events', 'event-test'))).message).to.equal('This is a test event');
      await k.delete(`${events}/event-test`);
      expect((await k.get(events)).items).to.deep.equal([]);
    },
  );

  restate('Events API should delete a collection of events', async (k) => {
    const events = k.at('events.k8s.io/v1', 'events');
    for (const name of ['one', 'two', 'three'])
      await k.post(events, newEvent(k, name, { 'testevent-set': 'true' }));
    expect((await k.get(`${events}?labelSelector=testevent-set%3Dtrue`)).items).to.have.length(3);
    await k.delete(`${events}?labelSelector=testevent-set%3Dtrue`);
    expect((await k.get(events)).items).to.deep.equal([]);
  });
});
