import type { UpsSample } from '#bms/model';
import type { ForcedShutdown, Observed } from './rack.ts';

/**
 * Orders to go down that UPSes pass on (FSD). upsd keeps the flag until it is restarted, long after mains is back, and a
 * machine that comes up then would go down again. So the flag alone is no order: it must have been raised on battery and
 * counts until mains is back, or been seen to be raised while mains is there.
 */

/** An order on mains after which nothing has happened for so long is a flag that was forgotten, ms. */
const FORGOTTEN_MS = 600_000;

/** `no`: without the flag. `left-over`: with it, and it is no order. */
interface Order {
  readonly kind: 'no' | 'on-battery' | 'on-mains' | 'left-over';
  readonly sinceMs: number;
}

/** What was seen of each UPS so far, by id. */
export type Orders = Readonly<Record<string, Order>>;

/** Looks at every fresh UPS once more. Pure; `nowMs` is monotonic. */
export function followOrders(
  before: Orders,
  upses: Readonly<Record<string, Observed<UpsSample>>>,
  nowMs: number,
): { readonly orders: Orders; readonly forced?: ForcedShutdown } {
  const orders: Record<string, Order> = { ...before };
  let forced: ForcedShutdown | undefined;
  for (const [ups, { freshness, sample }] of Object.entries(upses)) {
    if (freshness !== 'fresh' || sample === undefined) continue;
    const order = next(before[ups], sample, nowMs);
    orders[ups] = order;
    if (order.kind === 'on-battery' || order.kind === 'on-mains')
      forced ??= {
        ups,
        because: `ups ${ups} says that everything it feeds is ordered down`,
        onMains: order.kind === 'on-mains',
      };
  }
  return { orders, ...(forced === undefined ? {} : { forced }) };
}

function next(before: Order | undefined, { forcedShutdown, mainsPresent }: UpsSample, nowMs: number): Order {
  const become = (kind: Order['kind']): Order => (before?.kind === kind ? before : { kind, sinceMs: nowMs });
  if (!forcedShutdown) return become('no');
  if (mainsPresent === false) return become('on-battery');
  switch (before?.kind) {
    case 'no':
      return become('on-mains');
    case 'on-mains':
      return nowMs - before.sinceMs < FORGOTTEN_MS ? before : become('left-over');
    case 'on-battery':
      return mainsPresent === undefined ? before : become('left-over');
    default:
      return become('left-over');
  }
}
