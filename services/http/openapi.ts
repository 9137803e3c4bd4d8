import type { SwaggerTransformObject } from '@fastify/swagger';
import type { App } from './routes.ts';

/** Registers the OpenAPI document, generated from the zod schemas of the routes registered after it. */
export async function describeApi(app: App, zodProvider: typeof import('fastify-type-provider-zod')): Promise<void> {
  const { default: swagger } = await import('@fastify/swagger');
  const components = zodProvider.jsonSchemaTransformObject;
  const transformObject: SwaggerTransformObject = (document) => withoutUnused(components(document));
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'holdover',
        version: '1',
        description: 'Battery, mains, PoE and shutdown state of a small rack. SI units, ratios 0..1, times in ms.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      tags: [
        {
          name: 'reading',
          description: 'What the service knows. Open, unless reading was closed in the configuration.',
        },
        { name: 'agents', description: 'For `holdover agent`, with the token of its host.' },
        { name: 'commanding', description: 'Needs a token that may write.' },
        { name: 'health', description: 'For supervisors and scrapers.' },
      ],
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    },
    transform: zodProvider.jsonSchemaTransform,
    transformObject,
  });
}

type ApiDocument = ReturnType<SwaggerTransformObject>;

/**
 * The provider emits every registered schema twice, as an answer and as a request. What nothing refers to is noise.
 * Names stay in alphabetical order, so that the committed document changes only when the API does.
 */
function withoutUnused(document: ApiDocument): ApiDocument {
  if (!('components' in document) || document.components?.schemas === undefined) return document;
  const schemas: Record<string, unknown> = document.components.schemas;
  const used = new Set<string>();
  const visit = (value: unknown): void => {
    for (const [, name] of JSON.stringify(value ?? null).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (name === undefined || used.has(name)) continue;
      used.add(name);
      visit(schemas[name]);
    }
  };
  visit(document.paths);
  // The stream's events are not the body of an answer, and are what a reader of the document looks for.
  for (const name of ['SnapshotEvent', 'JournalAnswer']) visit({ $ref: `#/components/schemas/${name}` });
  const kept = Object.entries(document.components.schemas)
    .filter(([name]) => used.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...document, components: { ...document.components, schemas: Object.fromEntries(kept) } } as ApiDocument;
}
