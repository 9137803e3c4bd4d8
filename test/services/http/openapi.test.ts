import { describe, expect, it } from 'vitest';
import { assemble, httpFace, openApiDocument } from '../../../services/http/face.ts';
import { FakeService, faceOptions } from './fake-service.ts';
import { snapshotOf } from './rack-fixture.ts';

interface ApiDocument {
  readonly openapi: string;
  readonly paths: Record<
    string,
    Record<string, { summary?: string; responses: Record<string, unknown>; security?: unknown }>
  >;
  readonly components: { readonly schemas: Record<string, unknown>; readonly securitySchemes: Record<string, unknown> };
}

const ROUTES = [
  'get /api/v1/rack',
  'get /api/v1/schedule',
  'get /api/v1/hosts',
  'get /api/v1/journal',
  'get /api/v1/events',
  'get /api/v1/history',
  'get /api/v1/outages',
  'get /api/v1/energy',
  'get /api/v1/health',
  'get /api/v1/agents/{host}',
  'post /api/v1/agents/{host}',
  'post /api/v1/commands',
  'post /api/v1/drill',
  'get /healthz',
  'get /readyz',
  'get /metrics',
];

describe('the OpenAPI document', () => {
  it('describes every route and nothing else', async () => {
    const document = (await openApiDocument()) as ApiDocument;
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(described.sort()).toEqual([...ROUTES].sort());
    expect(document.openapi).toMatch(/^3\.1/);
  });

  it('refers only to schemas it has, and has only schemas it refers to', async () => {
    const document = (await openApiDocument()) as ApiDocument;
    const references = new Set(
      [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference ?? ''),
    );
    const names = Object.keys(document.components.schemas);
    expect(names.length).toBeGreaterThan(15);
    for (const reference of references)
      expect(names.map((name) => `#/components/schemas/${name}`)).toContain(reference);
    const events = ['SnapshotEvent', 'JournalAnswer'];
    for (const name of names.filter((name) => !events.includes(name))) {
      expect([...references]).toContain(`#/components/schemas/${name}`);
    }
  });

  it('says what every answer is, with problems as problem+json', async () => {
    const document = (await openApiDocument()) as ApiDocument;
    for (const methods of Object.values(document.paths)) {
      for (const operation of Object.values(methods)) {
        expect(operation.summary).toBeTruthy();
        for (const [status, response] of Object.entries(operation.responses)) {
          expect(response).toMatchObject({ description: expect.stringMatching(/^(?!Default).+/) });
          const types = Object.keys((response as { content: object }).content);
          if (Number(status) >= 400) expect(types).toEqual(['application/problem+json']);
        }
      }
    }
    expect(document.paths['/api/v1/commands']?.post?.security).toEqual([{ token: [] }]);
  });

  it('is the same each time, and the same that is served', async () => {
    const text = JSON.stringify(await openApiDocument());
    expect(JSON.stringify(await openApiDocument())).toBe(text);
    const { app } = await assemble(faceOptions(new FakeService(snapshotOf('mains'))));
    const served = await app.inject({ url: '/openapi.json' });
    expect(served.headers['content-type']).toContain('application/json');
    expect(served.body).toBe(text);
    await app.close();
  });
});

describe('the face', () => {
  it('listens, says where, and stops', async () => {
    const service = new FakeService(snapshotOf('mains'));
    const face = httpFace(faceOptions(service));
    expect(service.listeners).toBe(0);
    const { address } = await face.start();
    expect((await fetch(`${address}/healthz`)).status).toBe(200);
    await face.stop();
    await expect(fetch(`${address}/healthz`)).rejects.toThrow();
    await face.stop();
    expect(service.listeners).toBe(0);
  });

  it('starts again after a stop', async () => {
    const face = httpFace(faceOptions(new FakeService(snapshotOf('mains'))));
    await face.start();
    await face.stop();
    const { address } = await face.start();
    expect((await fetch(`${address}/readyz`)).status).toBe(200);
    await face.stop();
  });

  it('says what to try when the port is taken', async () => {
    const service = new FakeService();
    const first = httpFace(faceOptions(service));
    const { address } = await first.start();
    const listen = new URL(address).host;
    const second = httpFace(faceOptions(service, { config: { listen, tokens: [], readToken: false } }));
    await expect(second.start()).rejects.toThrow(`HTTP cannot listen on ${listen}: another program listens there`);
    expect(service.listeners).toBe(1);
    await first.stop();
  });

  it('says how to build the page when there is none', async () => {
    const { app } = await assemble(faceOptions(new FakeService()));
    const answer = await app.inject({ url: '/' });
    expect(answer.statusCode).toBe(404);
    expect(answer.json().detail).toContain('npm run build');
    await app.close();
  });
});
