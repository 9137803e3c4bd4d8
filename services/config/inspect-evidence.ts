import { packOf } from '#bms/model';
import type { Problem } from './inspect.ts';
import type { Config } from './schema.ts';

/** Losses on the way from the pack to the ports, as the schedule counts them. */
const EFFICIENCY = 0.8;

/**
 * Outages that nobody would notice: an SDM meter lives from the line it measures and falls silent with it, and the packs
 * together say nothing below their discharge threshold. Then a rack that draws less goes on until it is empty. Pure.
 */
export function evidenceProblems({ packs, meters, ups, mains, hosts, shutdown }: Config): Problem[] {
  if (shutdown.stages.length === 0 || packs.length === 0 || hosts.length === 0) return [];
  const named = mains.evidence;
  const others = named.length === 0 ? ups.length > 0 : named.some((each) => !('pack' in each) && !('meter' in each));
  // Whoever reads a meter by another road may well learn that it sees nothing any more.
  const selfFed = meters.length > 0 && meters.every(({ driver }) => /^(sdm|eastron)/.test(driver));
  const thresholdsA =
    named.length === 0 ? [1] : named.flatMap((each) => ('pack' in each ? [each.dischargeAboveA] : []));
  if (others || thresholdsA.length === 0 || (meters.length > 0 && !selfFed)) return [];
  const loadW = hosts.reduce((sum, { powerW }) => sum + powerW, 0) / EFFICIENCY;
  const busV = packs.map((pack) => {
    const { cells, chemistry } = packOf(pack);
    return cells * chemistry.limits.chargeV;
  });
  const flowA = loadW / Math.max(...busV);
  if (flowA >= Math.min(...thresholdsA)) return [];
  const what =
    meters.length === 0
      ? 'nothing but the packs tells that mains is away'
      : 'a meter that lives from the line it measures falls silent with it, so only the packs tell that mains is away';
  return [
    {
      severity: 'warning',
      path: 'mains.evidence',
      message: `${what}, and the hosts draw only ${flowA.toFixed(1)} A from them: less than they need to say so`,
      tryThis: `{ pack: ${named.find((each) => 'pack' in each)?.pack ?? packs[0]?.id}, dischargeAboveA: ${Math.max(0.1, Math.floor(flowA * 5) / 10)} }`,
    },
  ];
}
