import { Bus, type BusOptions } from './bus.ts';
import type { ByteExchange } from './exchange.ts';
import type { ByteTransport } from './transport.ts';

/**
 * One conversation at a time over a transport, which it opens on first use and again after a loss.
 * `timeouts` and `refusals` in its stats count tries, `requests` and `answers` count calls.
 */
export function byteExchange(transport: ByteTransport, options: BusOptions): ByteExchange {
  const bus = new Bus(transport, options);
  return {
    name: bus.name,
    get stats() {
      return bus.stats;
    },
    get trouble() {
      return bus.trouble;
    },
    request: (request) => bus.run((turn) => bus.retry(request.tries, () => turn.ask(request)), request.signal),
    listen: (listener) => bus.listen(listener),
    close: () => bus.close(),
  };
}
