import type { WorldHost } from '../model.ts';
import { isDaemon, isFinished, isMirror, isTerminating, type PodObject } from './objects.ts';

/** What the kubelets need of the cluster they stand in. */
export interface KubeletSite {
  readonly nowS: number;
  podsOn(node: string): Iterable<PodObject>;
  /** The pod as the API has it now; undefined when its object is gone. */
  pod(uid: string): PodObject | undefined;
  startTimeS(pod: PodObject): number;
  /** How long its containers take to stop, s, without regard to its grace period. */
  stopTimeS(pod: PodObject): number;
  /** Writes Ready into the node, with this boot id. */
  nodeIsUp(node: string, bootId: string): void;
  heartbeat(node: string): void;
  podRunning(pod: PodObject, ready: boolean): void;
  podStopped(pod: PodObject): void;
  /** A workload's container lost its host while it ran. */
  podKilled(pod: PodObject): void;
}

export interface KubeletTimes {
  readonly heartbeatS: number;
  /** From the end of the boot to Ready, s. */
  readonly readyAfterBootS: number;
}

type Container =
  | { readonly state: 'starting'; readonly dueS: number }
  | { readonly state: 'running' }
  | { readonly state: 'stopping'; readonly sinceS: number }
  /** Ended; the API server was not told yet. */
  | { readonly state: 'stopped' };

/**
 * The agent of one node. Containers start and stop by its own time even while the API server is away; objects change
 * only while it can be reached. A kubelet whose host does not run does nothing at all.
 */
export class Kubelet {
  readonly node: string;
  readonly #host: WorldHost;
  readonly #site: KubeletSite;
  readonly #times: KubeletTimes;
  readonly #containers = new Map<string, Container>();
  /** Pods to look at; all others are as they should be. */
  readonly #unsettled = new Set<string>();
  #bootId: string | undefined;
  #readyAtS = Number.POSITIVE_INFINITY;
  #registered = false;
  #nextBeatS = 0;
  /** When the API server last heard of it. */
  lastBeatS = Number.NEGATIVE_INFINITY;

  constructor(node: string, host: WorldHost, site: KubeletSite, times: KubeletTimes) {
    this.node = node;
    this.#host = host;
    this.#site = site;
    this.#times = times;
  }

  get alive(): boolean {
    return this.#bootId !== undefined;
  }

  /** The world begins with this host up and its pods running; beats are spread by `phase` 0..1. */
  startUp(phase: number): void {
    this.#bootId = this.#host.bootId;
    this.#readyAtS = this.#site.nowS;
    this.#registered = true;
    this.#nextBeatS = this.#site.nowS + phase * this.#times.heartbeatS;
    this.lastBeatS = this.#site.nowS;
    for (const pod of this.#site.podsOn(this.node)) {
      if (!isFinished(pod)) this.#containers.set(pod.metadata.uid, { state: 'running' });
    }
  }

  /** One of its pods was bound to it, changed or removed. */
  touch(uid: string): void {
    this.#unsettled.add(uid);
  }

  step(apiAvailable: boolean): void {
    this.#followHost();
    if (!this.alive) return;
    const { nowS } = this.#site;
    const reporting = apiAvailable && nowS >= this.#readyAtS;
    if (reporting) this.#report(nowS);
    for (const uid of [...this.#unsettled]) {
      if (this.#sync(uid, reporting, nowS)) this.#unsettled.delete(uid);
    }
  }

  #followHost(): void {
    const running = this.#host.state === 'running';
    if (this.alive && (!running || this.#host.bootId !== this.#bootId)) this.#die();
    if (running && !this.alive) {
      this.#bootId = this.#host.bootId;
      this.#readyAtS = this.#site.nowS + this.#times.readyAfterBootS;
    }
  }

  #die(): void {
    this.#bootId = undefined;
    this.#registered = false;
    for (const [uid, container] of this.#containers) {
      const pod = this.#site.pod(uid);
      const ran = container.state === 'running' || container.state === 'stopping';
      if (pod !== undefined && ran && !isDaemon(pod) && !isMirror(pod)) this.#site.podKilled(pod);
    }
    this.#containers.clear();
    this.#unsettled.clear();
  }

  #report(nowS: number): void {
    if (!this.#registered) {
      this.#registered = true;
      this.#site.nodeIsUp(this.node, this.#host.bootId);
      this.#nextBeatS = nowS;
      for (const pod of this.#site.podsOn(this.node)) this.touch(pod.metadata.uid);
    }
    if (nowS < this.#nextBeatS) return;
    this.lastBeatS = nowS;
    this.#site.heartbeat(this.node);
    this.#nextBeatS = Math.max(this.#nextBeatS + this.#times.heartbeatS, nowS);
  }

  /** Moves one pod on; true when nothing more will happen to it by itself. */
  #sync(uid: string, reporting: boolean, nowS: number): boolean {
    const pod = this.#site.pod(uid);
    const container = this.#containers.get(uid);
    if (pod === undefined || isFinished(pod)) {
      this.#containers.delete(uid);
      return true;
    }
    if (container === undefined) return this.#begin(pod, reporting, nowS);
    switch (container.state) {
      case 'starting':
      case 'running':
        if (isTerminating(pod)) {
          this.#containers.set(uid, { state: 'stopping', sinceS: nowS });
          return false;
        }
        if (container.state === 'running') return true;
        if (!reporting || nowS < container.dueS) return false;
        this.#containers.set(uid, { state: 'running' });
        this.#site.podRunning(pod, true);
        return true;
      case 'stopping':
        if (nowS < container.sinceS + this.#stopS(pod)) return false;
        this.#containers.set(uid, { state: 'stopped' });
        return this.#sync(uid, reporting, nowS);
      case 'stopped':
        if (!reporting) return false;
        this.#containers.delete(uid);
        this.#site.podStopped(pod);
        return true;
    }
  }

  /** A pod without a container here: new, or left over from before a reboot. */
  #begin(pod: PodObject, reporting: boolean, nowS: number): boolean {
    if (!reporting) return false;
    if (isTerminating(pod)) {
      this.#site.podStopped(pod);
      return true;
    }
    if (pod.status.phase === 'Running') this.#site.podRunning(pod, false);
    this.#containers.set(pod.metadata.uid, { state: 'starting', dueS: nowS + this.#site.startTimeS(pod) });
    return false;
  }

  #stopS(pod: PodObject): number {
    return Math.min(this.#site.stopTimeS(pod), pod.metadata.deletionGracePeriodSeconds ?? Number.POSITIVE_INFINITY);
  }
}
