// Owns: which faults of a machine and its network are shown, what is expected of each, and the tests that show it. Does not own: running
// them (soak.ts).

export interface Fault {
  readonly fault: string;
  readonly expected: string;
  /** by file, and the end of the test's full name */
  readonly tests: readonly (readonly [file: string, name: string])[];
}

const FAULTS_TEST = 'tests/integration/reliability/faults.test.ts';
const BULL = 'tests/integration/validator/bull-queue.test.ts';

export const FAULTS: readonly Fault[] = [
  {
    fault: 'Redis is away, and comes back empty',
    expected:
      'jobs wait and are given again, none is lost or ended twice; the operator is told once that it went and once that it is back',
    tests: [[BULL, 'waits where Redis is away, loses nothing when it comes back empty, and says both once']],
  },
  {
    fault: 'Redis stays away',
    expected: 'the validator judges by itself after a while',
    tests: [[BULL, 'is judged in this process where Redis is away, or nobody ended it in time']],
  },
  {
    fault: 'disk full: the ledger',
    expected: 'what was acknowledged is there, what was not is told with ENOSPC; with room again it goes on',
    tests: [
      [
        'tests/unit/validator/ledger/full-disk.test.ts',
        'a disk that is full costs nothing that was acknowledged, and is told',
      ],
    ],
  },
  {
    fault: 'disk full: jobs of verification (an injected ENOSPC)',
    expected: 'they are judged all the same; the log says that a crash would lose them',
    tests: [
      [
        FAULTS_TEST,
        'a queue whose disk is full judges all the same, says so in the log, and takes up nothing later',
      ],
    ],
  },
  {
    fault: 'disk full: the localnet’s folder',
    expected: 'the block that was not written is none, and no other follows it',
    tests: [
      [
        'tests/unit/localnet/journal.test.ts',
        'a block that the disk does not take leaves nothing, and no other follows it',
      ],
    ],
  },
  {
    fault: 'disk full: a miner’s own notes',
    expected: 'they are missed, said once, and stop nothing',
    tests: [
      [
        'tests/unit/cli/miner-files.test.ts',
        'on a disk that takes nothing are missed, said once, and stop nothing',
      ],
    ],
  },
  {
    fault: 'clock stepped an hour, either way, under a session',
    expected: 'the session goes on: its times are of a clock that is not stepped',
    tests: [3_600_000, -3_600_000].flatMap((ms) =>
      ['ours', 'theirs'].map(
        (whose) =>
          [
            FAULTS_TEST,
            `a clock that is stepped by ${ms} ms ${whose}, leaves a session that is open as it is`,
          ] as const,
      ),
    ),
  },
  {
    fault: 'clock stepped an hour, either way, before a call',
    expected: 'it is refused by name until the clock is right again; no key or level is lost by it',
    tests: [
      ...[3_600_000, -3_600_000].map(
        (ms) =>
          [
            FAULTS_TEST,
            `a clock that is stepped by ${ms} ms refuses new calls, by name, until it is put right; then all is well again`,
          ] as const,
      ),
      [
        'tests/unit/protocol/certificate.test.ts',
        'are renewed when the wall clock was set back, or every message would precede its certificate',
      ],
    ],
  },
  {
    fault: 'clock stepped an hour, either way, between a session and its replay',
    expected: 'the evidence convicts nobody by it',
    tests: [3_600_001, -3_600_000].map(
      (ms) =>
        [
          'tests/unit/protocol/evidence.test.ts',
          `a clock stepped by ${ms} ms within the session changes nothing`,
        ] as const,
    ),
  },
  {
    fault: 'DNS: a node of several does not resolve',
    expected: 'it is passed over; alone it is an error that says so',
    tests: [
      [FAULTS_TEST, 'among the nodes of a chain is passed over, and the one that is there is used'],
      ['tests/integration/chain/endpoints.test.ts', 'a name that does not resolve'],
    ],
  },
  {
    fault: 'DNS: the webhook does not resolve',
    expected: 'the log has it, without the secret in its path; nothing waits for it',
    tests: [
      [
        FAULTS_TEST,
        'as a webhook is said in the log without the secret in its path, and stops nothing: the next place is told',
      ],
    ],
  },
  {
    fault: 'certificate rotated under live sessions',
    expected: 'they go on; both keys answer until the next change, then the old one does not',
    tests: [
      [
        'tests/integration/protocol/tls.test.ts',
        'changes keys while it serves: sessions of the old one go on, both answer, and after the next change the old one does not',
      ],
    ],
  },
  {
    fault: 'permissions: others may read a key',
    expected: 'it is refused with its mode, before it is used',
    tests: ['the queue’s key', 'the key of a host', 'the keys of a miner’s port'].map(
      (key) => [FAULTS_TEST, `on ${key}: others may read it, and it is refused with its mode`] as const,
    ),
  },
  {
    fault: 'permissions: the data folder is on a disk that is read-only',
    expected: 'the role does not begin, and says why',
    tests: [[FAULTS_TEST, 'on a data folder: it cannot be written, and the role does not begin']],
  },
  {
    fault: 'the data folder is another process’s, another role’s, or of a newer build',
    expected: 'refused by name, and nothing in it changes',
    tests: [
      [
        'tests/unit/cli/data-folder.test.ts',
        'a second process is refused by the name of the first, under another name of the folder too',
      ],
      [
        'tests/unit/cli/data-folder.test.ts',
        'of a newer build is refused by name, and of another role; nothing in it changes',
      ],
    ],
  },
  {
    fault: 'a port is taken',
    expected: 'an error that names it',
    tests: [
      ...['of the evidence door', 'for hosts'].map(
        (port) => [FAULTS_TEST, `${port} is an error that names it`] as const,
      ),
      ['tests/unit/cli/metrics.test.ts', 'a port that is taken is an error that names it'],
    ],
  },
];
