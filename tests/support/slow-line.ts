// Owns: a connection in one process whose bytes take their time, by any clock. Does not own: links with a rate (testing/devices/links.ts).
import { Duplex } from 'node:stream';
import type { Clock } from '../../src/model/clock.js';

/** Both ends of one; `oneWayMs` is asked for each piece, in order. Destroying an end closes the other, as late as its bytes come. */
export function slowLine(clock: Clock, oneWayMs: () => number): [Duplex, Duplex] {
  const ends: Duplex[] = [];
  const make = (other: number) => {
    let before = Promise.resolve();
    const after = (arrive: (end: Duplex) => void) => {
      const arrived = clock.sleep(oneWayMs());
      before = before
        .then(() => arrived)
        .then(() => {
          const end = ends[other]!;
          if (!end.destroyed) arrive(end);
        });
    };
    return new Duplex({
      allowHalfOpen: false,
      read() {},
      write(chunk, _encoding, taken) {
        const copy = Uint8Array.from(chunk);
        after((end) => void end.push(copy));
        taken();
      },
      final(done) {
        after((end) => void end.push(null));
        done();
      },
      destroy(error, done) {
        after((end) => void end.destroy());
        done(error);
      },
    });
  };
  ends.push(make(1), make(0));
  return [ends[0]!, ends[1]!];
}
