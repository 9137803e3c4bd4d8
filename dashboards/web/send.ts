import type { Order } from './orders.ts';
import type { DrillAnswer, Problem } from './wire.ts';

/** What the page sends to the service. Every answer, also none, becomes a sentence. */

export interface Said {
  readonly good: boolean;
  readonly text: string;
}

const ORDER_MS = 15_000;
/** The service ends a drill after two minutes. */
const DRILL_MS = 135_000;

const post = (url: string, body: object, token: string, signal: AbortSignal): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
    signal,
  });

/** What a refusal says, with what is wrong about each field. */
const refusal = ({ detail, reasons = [] }: Problem, otherwise: string): string =>
  [detail ?? otherwise, ...reasons].join(' ');

/** Sends an order. */
export async function ask(order: Order, token: string): Promise<Said> {
  try {
    const answer = await post('/api/v1/commands', order, token, AbortSignal.timeout(ORDER_MS));
    const body = (await answer.json()) as { readonly because?: string } & Problem;
    return answer.ok
      ? { good: true, text: `Accepted: ${body.because ?? 'done'}` }
      : { good: false, text: `Refused: ${refusal(body, answer.statusText)}` };
  } catch {
    return { good: false, text: 'The service did not answer; the journal tells whether it acted.' };
  }
}

/** Asks for a drill; the answer, or why there is none. */
export async function askDrill(
  body: { readonly outageS: number; readonly faults: readonly string[] },
  token: string,
  stop: AbortSignal,
): Promise<DrillAnswer | string> {
  try {
    const answer = await post('/api/v1/drill', body, token, AbortSignal.any([stop, AbortSignal.timeout(DRILL_MS)]));
    const said = (await answer.json()) as DrillAnswer & Problem;
    return answer.ok ? said : refusal(said, answer.statusText);
  } catch {
    return stop.aborted ? 'Ended before its time.' : 'The service did not answer.';
  }
}
