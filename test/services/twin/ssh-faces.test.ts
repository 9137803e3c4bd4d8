import { describe, expect, it } from 'vitest';
import { serveSshFaces } from '../../../services/twin/ssh-faces.ts';
import { smallWorld } from './small-world.ts';

const served = { hosts: [], clientKey: 'key', close: async () => undefined };

function failing(message: string, times: number) {
  let calls = 0;
  const serve = async () => {
    calls += 1;
    if (calls <= times) throw new Error(message);
    return served;
  };
  return { serve, calls: () => calls };
}

describe('SSH faces whose keys cannot be read', () => {
  it.each(['Cannot parse privateKey: Malformed OpenSSH private key', 'Malformed OpenSSH public key'])(
    'are made anew after "%s"',
    async (message) => {
      const { serve, calls } = failing(message, 2);
      expect(await serveSshFaces(smallWorld(), {}, serve)).toBe(served);
      expect(calls()).toBe(3);
    },
  );

  it('are given up in the end', async () => {
    const { serve, calls } = failing('Malformed OpenSSH private key', 99);
    await expect(serveSshFaces(smallWorld(), {}, serve)).rejects.toThrow(/Malformed/);
    expect(calls()).toBe(6);
  });

  it('are not made anew for any other reason', async () => {
    const { serve, calls } = failing('listen EADDRINUSE', 1);
    await expect(serveSshFaces(smallWorld(), {}, serve)).rejects.toThrow(/EADDRINUSE/);
    expect(calls()).toBe(1);
  });
});
