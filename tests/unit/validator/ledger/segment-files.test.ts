import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { utf8 } from '../../../../src/model/bytes.js';
import { toHotkey } from '../../../../src/model/ids.js';
import { RECORD } from '../../../../src/validator/ledger/codec.js';
import { LEDGER_VERSION, toPlainJson } from '../../../../src/validator/ledger/entries.js';
import { createFrames, FIRST_LINK } from '../../../../src/validator/ledger/frames.js';
import { readSegment } from '../../../../src/validator/ledger/segment.js';

test.skipIf(process.platform !== 'linux')(
  'a segment that is corrupt is not held open by who read it',
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'assay-segment-'));
    try {
      const path = join(dir, 's.seg');
      const header = {
        type: 'segment',
        version: LEDGER_VERSION,
        epoch: 4,
        genesis: new Uint8Array(32),
        netuid: 2,
        hotkey: toHotkey('5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY'),
        link: FIRST_LINK,
        records: 0,
      } as const;
      const frames = createFrames(FIRST_LINK);
      frames.add(RECORD.entry, utf8(toPlainJson(header)));
      frames.add(RECORD.entry, utf8('no entry'));
      await writeFile(path, frames.seal().bytes);
      const open = () => readdirSync('/proc/self/fd').length;
      const before = open();
      for (let i = 0; i < 20; i++)
        expect(() => [...readSegment(path, { isLast: true }, {})]).toThrow('record 2: ');
      expect(open()).toBeLessThan(before + 10);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  },
);
