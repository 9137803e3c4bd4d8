import { HttpProblem } from '../problem.ts';
import type { Routes } from '../routes.ts';
import { commandAnswer, commandBody } from '../schemas/answers.ts';
import { json, problem } from '../schemas/responses.ts';

/** The only route that changes anything. */
export const commandRoutes: Routes = (app, { access, desk, log, commandDeadlineMs }) => {
  app.post(
    '/api/v1/commands',
    {
      // Before the body is read: a stranger learns nothing about its schema.
      onRequest: (request, _reply, done) => {
        access.mayWrite(request.headers.authorization);
        done();
      },
      schema: {
        tags: ['commanding'],
        summary: 'Begin a shutdown, hold it, or turn it round',
        security: [{ token: [] }],
        body: commandBody,
        response: {
          200: json('The coordinator takes it', commandAnswer),
          400: problem(400),
          401: problem(401),
          403: problem(403),
          409: problem(409),
          504: problem(504),
        },
      },
    },
    async (request) => {
      const author = `http:${access.mayWrite(request.headers.authorization).name}`;
      const command = request.body;
      const answer = await inTime(desk.command(command, author), commandDeadlineMs);
      log.info({ command: command.kind, author, accepted: answer.accepted }, 'command over HTTP');
      if (!answer.accepted) throw new HttpProblem(409, answer.because);
      return { accepted: true as const, because: answer.because };
    },
  );
};

/** The answer, or a 504 when the coordinator takes longer than `deadlineMs`. */
async function inTime<T>(answer: Promise<T>, deadlineMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new HttpProblem(504, 'The coordinator has not answered in time; the journal tells whether it acted.'));
    }, deadlineMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
