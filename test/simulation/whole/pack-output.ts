import type { Config } from '../../../services/config/schema.ts';
import type { Edges } from '../../../services/shutdown/executor.ts';
import type { Outcome } from '../../../services/shutdown/promises.ts';
import type { Life } from './life.ts';
import type { TroubledRack } from './troubled-rack.ts';

/** The boards that can open the outputs of the packs. `called`: before anything reaches one. */
export function packOutputs(
  config: Config,
  rack: TroubledRack,
  life: Life,
  called: (pack: string) => void,
): NonNullable<Edges['packs']> {
  const setDischarge = async (pack: string, on: boolean): Promise<Outcome> => {
    if (life.alive) called(pack);
    await life.clock.sleep(400);
    const awake = rack.knownAwake();
    if (!on && !rack.mains && !rack.bank.open && awake.length > 0)
      rack.violations.push(`${rack.timeS}: the output goes off under ${awake}`);
    rack.bank.open = !on;
    return { code: 'done' };
  };
  return Object.fromEntries(
    config.packs.map(({ id }) => [id, { setDischarge: (on: boolean) => setDischarge(id, on) }]),
  );
}
