import { describe, expect, it, vi } from 'vitest';
import { Feed } from '../../../services/assembly/feed.ts';
import type { Snapshot } from '../../../services/shutdown/view.ts';

const snapshot = (site: string): Snapshot => ({ site }) as Snapshot;

describe('the feed', () => {
  it('has nothing before the first picture', () => {
    expect(new Feed(() => {}).latest()).toBeUndefined();
  });

  it('hands the same picture to everybody, and keeps the latest', () => {
    const feed = new Feed(() => {});
    const [a, b] = [vi.fn(), vi.fn()];
    feed.subscribe(a);
    feed.subscribe(b);
    const picture = snapshot('x');
    feed.publish(picture);
    expect(a).toHaveBeenCalledExactlyOnceWith(picture);
    expect(b).toHaveBeenCalledExactlyOnceWith(picture);
    feed.publish(snapshot('y'));
    expect(feed.latest()?.site).toBe('y');
  });

  it('takes no picture from the others when a listener throws, and says what it threw', () => {
    const errors: unknown[] = [];
    const feed = new Feed((error) => errors.push(error));
    const after = vi.fn();
    const error = new Error('full');
    feed.subscribe(() => {
      throw error;
    });
    feed.subscribe(after);
    feed.publish(snapshot('x'));
    feed.publish(snapshot('y'));
    expect(after).toHaveBeenCalledTimes(2);
    expect(errors).toEqual([error, error]);
    expect(feed.latest()?.site).toBe('y');
  });

  it('tells nobody who has left, also when he leaves in the middle of a picture', () => {
    const feed = new Feed(() => {});
    const late = vi.fn();
    const leave = feed.subscribe(() => leaveLate());
    const leaveLate = feed.subscribe(late);
    feed.publish(snapshot('x'));
    expect(late).not.toHaveBeenCalled();
    leave();
    leave();
    feed.publish(snapshot('y'));
    expect(late).not.toHaveBeenCalled();
  });
});
