import type { PeerSays } from '../shutdown/leadership.ts';

/** Asks the other service directly what it does, `GET /healthz`. Never rejects. */
export async function askPeer(peer: string, withinMs: number, signal: AbortSignal): Promise<PeerSays> {
  try {
    const response = await fetch(new URL('/healthz', peer), {
      signal: AbortSignal.any([signal, AbortSignal.timeout(withinMs)]),
      redirect: 'error',
    });
    const body: unknown = await response.json().catch(() => undefined);
    if (typeof body !== 'object' || body === null || !('role' in body)) return 'answers';
    return body.role === 'acting' ? 'acting' : 'idle';
  } catch {
    return 'silent';
  }
}
