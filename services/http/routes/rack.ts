import type { Routes } from '../routes.ts';
import { hostsAnswer, rackAnswer, scheduleAnswer } from '../schemas/answers.ts';
import { problem, reading } from '../schemas/responses.ts';

const tags = ['reading'];

/** The newest snapshot, whole and in parts. */
export const rackRoutes: Routes = (app, { latest }) => {
  app.get(
    '/api/v1/rack',
    {
      schema: {
        tags,
        summary: 'Everything known of the rack',
        response: { ...reading('The newest snapshot', rackAnswer), 503: problem(503) },
      },
    },
    () => {
      const { coordinator: _, ...answer } = latest.answer();
      return answer;
    },
  );
  app.get(
    '/api/v1/schedule',
    {
      schema: {
        tags,
        summary: 'When each stage must go down at the latest',
        response: { ...reading('The schedule of the newest snapshot', scheduleAnswer), 503: problem(503) },
      },
    },
    () => {
      const { wallMs, ageMs, freshness, coordinator } = latest.answer();
      const { phase, sinceWallMs, onBatteryS, schedule } = coordinator;
      return {
        wallMs,
        ageMs,
        freshness,
        phase,
        sinceWallMs,
        ...(onBatteryS === undefined ? {} : { onBatteryS }),
        schedule,
      };
    },
  );
  app.get(
    '/api/v1/hosts',
    {
      schema: {
        tags,
        summary: 'Where every host is between up and cut',
        response: { ...reading('The hosts of the newest snapshot', hostsAnswer), 503: problem(503) },
      },
    },
    () => {
      const { wallMs, ageMs, freshness, coordinator } = latest.answer();
      const { phase, runId, waitingFor, lease, hosts } = coordinator;
      return {
        wallMs,
        ageMs,
        freshness,
        phase,
        ...(runId === undefined ? {} : { runId }),
        ...(waitingFor === undefined ? {} : { waitingFor }),
        ...(lease === undefined ? {} : { lease }),
        hosts,
      };
    },
  );
};
