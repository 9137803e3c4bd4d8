import { UserError } from '../../runtime/errors.ts';
import type { DrillDesk } from '../drill-desk.ts';
import type { LatestSnapshot } from '../latest.ts';
import { HttpProblem } from '../problem.ts';
import type { Routes } from '../routes.ts';
import type { SnapshotEvent } from '../schemas/answers.ts';
import { type DrillAnswer, type DrillBody, drillAnswer, drillBody } from '../schemas/drill.ts';
import { json, problem } from '../schemas/responses.ts';

/** A drill touches nothing, but it works the machine: one at a time, for those who may command, and never in earnest. */
export const drillRoutes: Routes = (app, { access, drill, drillDeadlineMs, latest, log }) => {
  let running = false;
  app.post(
    '/api/v1/drill',
    {
      onRequest: (request, _reply, done) => {
        access.mayWrite(request.headers.authorization);
        done();
      },
      schema: {
        tags: ['commanding'],
        summary: 'Play an outage in virtual time; nothing is touched',
        security: [{ token: [] }],
        body: drillBody,
        response: {
          200: json('What would happen, and what to change', drillAnswer),
          400: problem(400),
          401: problem(401),
          403: problem(403),
          404: problem(404),
          409: problem(409),
          503: problem(503),
          504: problem(504),
        },
      },
    },
    async (request, reply) => {
      const author = `http:${access.mayWrite(request.headers.authorization).name}`;
      if (drill === undefined) throw new HttpProblem(404, 'No drill can be played here.');
      if (running) throw new HttpProblem(409, 'A drill is being played already; its answer comes soon.');
      const live = latest.answer();
      const because = whyNot(live);
      if (because !== undefined) throw new HttpProblem(409, because);
      const ended = new AbortController();
      // Nobody waits for the answer any more.
      reply.raw.once('close', () => ended.abort(new HttpProblem(409, 'Whoever asked is gone.')));
      running = true;
      try {
        const answer = await play(drill, request.body, live, ended, latest, drillDeadlineMs);
        const { verdict, tookMs } = answer;
        log.info({ author, outageS: request.body.outageS, verdict, tookMs }, 'drill over HTTP');
        return answer;
      } finally {
        running = false;
      }
    },
  );
};

/** Why this is no moment for a drill. */
function whyNot({ freshness, coordinator, rack }: SnapshotEvent): string | undefined {
  if (freshness === 'stale') return 'The newest snapshot is too old to begin from.';
  if (coordinator.phase !== 'mains') return `Not in phase ${coordinator.phase}: this is no drill.`;
  if (coordinator.rehearsal !== undefined) return `Stage ${coordinator.rehearsal.stage} is being rehearsed.`;
  if (rack.bank.freshness !== 'fresh' || rack.bank.socRatio === undefined)
    return 'The bank is not heard: nobody knows from which charge to begin.';
  return undefined;
}

/** Plays it, for `deadlineMs` at most, and only as long as there is nothing more important to do. */
async function play(
  drill: DrillDesk,
  ask: DrillBody,
  live: SnapshotEvent,
  ended: AbortController,
  latest: LatestSnapshot,
  deadlineMs: number,
): Promise<DrillAnswer> {
  const timer = setTimeout(() => {
    const hint = 'try a shorter outage, or `holdover drill` on another machine';
    ended.abort(new HttpProblem(504, `The drill took longer than ${deadlineMs / 1000} s; ${hint}.`));
  }, deadlineMs);
  const unsubscribe = latest.onNew(() => {
    const phase = latest.event()?.coordinator.phase;
    if (phase !== 'mains') ended.abort(new HttpProblem(409, `The drill was ended: the phase is ${phase} now.`));
  });
  try {
    return await drill.run(ask, live, ended.signal);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new HttpProblem(400, error.hint === undefined ? error.message : `${error.message}; ${error.hint}`);
  } finally {
    clearTimeout(timer);
    unsubscribe();
  }
}
