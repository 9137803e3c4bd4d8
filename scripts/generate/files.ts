import { z } from 'zod';
import { alertFiles } from '../../dashboards/alerts/index.ts';
import { boardFiles } from '../../dashboards/boards/index.ts';
import { scenarioSchema } from '../../power-planner/scenario/schema.ts';
import { configSchema } from '../../services/config/schema.ts';
import { openApiDocument } from '../../services/http/index.ts';
import { devicesPage } from './device-tables.ts';
import { metricsTable } from './metrics-table.ts';
import { plannerAccuracy } from './planner-accuracy.ts';
import { exampleReports } from './reports.ts';

/** Every generated file that is committed, by path, with the text it should have. */
export async function generated(): Promise<Record<string, string>> {
  return {
    'docs/generated/holdover.schema.json': json(z.toJSONSchema(configSchema, { io: 'input' })),
    'docs/generated/scenario.schema.json': json(z.toJSONSchema(scenarioSchema, { io: 'input' })),
    'docs/generated/openapi.json': json(await openApiDocument()),
    'docs/devices.md': devicesPage(),
    'docs/generated/metrics.md': metricsTable(),
    'docs/generated/planner-accuracy.md': plannerAccuracy(),
    ...exampleReports(),
    ...boardFiles(),
    ...alertFiles(),
  };
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
