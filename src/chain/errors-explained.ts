// Owns: what each refusal of the chain means and what to do about it, by pallet and name. Pure data.
// Does not own: finding out which refusal it was (subtensor/errors.ts).

export interface Explanation {
  /** one sentence: what is the case */
  readonly means: string;
  /** one sentence: what the caller can do */
  readonly remedy: string;
}

type Table = Readonly<Record<string, Explanation>>;

const e = (means: string, remedy: string): Explanation => ({ means, remedy });

const WAIT_RATE = 'Wait until the limit has passed; a preview of the call names the block.';
const OLD = 'A rule that current runtimes no longer have; if you see it, the chain is an old one.';

/** Pallet SubtensorModule: every variant of its error enum at spec 425. What older runtimes have besides keeps the metadata's words. */
const SUBTENSOR_MODULE: Table = {
  RootNetworkDoesNotExist: e(
    'The chain has no root network (subnet 0).',
    'Check that the endpoint is a Subtensor chain that was set up completely.',
  ),
  InvalidIpType: e('The address type is neither 4 nor 6.', 'Give an IPv4 or IPv6 address.'),
  InvalidIpAddress: e(
    'The address is one that nobody outside could reach: loopback, broadcast, or unspecified where that means nothing.',
    'Announce the address under which other hosts reach this one; 0.0.0.0 takes a served axon back.',
  ),
  InvalidPort: e('The port is 0.', 'Announce the port that the server listens on, 1..65535.'),
  HotKeyNotRegisteredInSubNet: e(
    'The hotkey has no uid in this subnet: never registered, or pruned since.',
    'Register it (assay chain register), or check that hotkey and netuid are the ones you mean.',
  ),
  HotKeyAccountNotExists: e(
    'No coldkey owns this hotkey: it was never registered on this chain.',
    'Check the hotkey’s address and the network; register the hotkey first.',
  ),
  HotKeyNotRegisteredInNetwork: e(
    'The hotkey is registered in no subnet, or not in the one that the call names.',
    'Register it (assay chain register), or check that hotkey and netuid are the ones you mean.',
  ),
  NonAssociatedColdKey: e(
    'The hotkey belongs to another coldkey.',
    'Sign with the coldkey that registered the hotkey.',
  ),
  NotEnoughStake: e('The stake is less than this action needs.', 'Stake more, or choose a smaller amount.'),
  NotEnoughStakeToWithdraw: e(
    'The coldkey has less stake on this hotkey and subnet than is to be taken away.',
    'Ask for at most what is staked; to take all, use the call that unstakes everything.',
  ),
  NotEnoughStakeToSetWeights: e(
    'The hotkey’s consensus stake (alpha, and TAO on root times the TAO weight) is below the chain’s threshold.',
    'Stake more to the hotkey; the threshold is stakeThreshold of the subnet’s hyperparameters.',
  ),
  NotEnoughStakeToSetChildkeys: e(
    'The parent’s own stake is below the threshold for having children.',
    'Stake more to the parent hotkey; the hotkey of the subnet’s owner is exempt.',
  ),
  NotEnoughBalanceToStake: e(
    'The coldkey’s free balance does not cover the amount.',
    'Transfer TAO to the coldkey, or choose a smaller amount; fees come on top.',
  ),
  BalanceWithdrawalError: e(
    'The amount could not be taken from the coldkey: part of its balance is frozen or reserved.',
    'Check locks and reserves of the coldkey, or choose a smaller amount.',
  ),
  ZeroBalanceAfterWithdrawn: e(
    'Nothing would remain of the account.',
    'Leave the existential deposit (500 rao) on the coldkey.',
  ),
  NeuronNoValidatorPermit: e(
    'The hotkey has no validator permit: permits go to the highest stakes of the subnet, at each epoch.',
    'Stake more and wait for the next epoch; only the subnet owner’s hotkey needs no permit.',
  ),
  WeightVecNotEqualSize: e('There are more uids than weights, or fewer.', 'Give one weight for each uid.'),
  DuplicateUids: e('A uid stands more than once in the row.', 'Give each uid once.'),
  UidVecContainInvalidOne: e(
    'The row has a uid that the subnet does not have.',
    'Read the metagraph again and leave out uids that are not in it.',
  ),
  WeightVecLengthIsLow: e(
    'The row has fewer entries than the subnet wants.',
    'Add entries of weight 0 until there are min(min_allowed_weights, neurons); zeros count.',
  ),
  TooManyRegistrationsThisBlock: e(
    'This block has no room for another registration.',
    'Try again in the next block.',
  ),
  HotKeyAlreadyRegisteredInSubNet: e(
    'The hotkey has a uid in this subnet already.',
    'Nothing to do; for a second uid register another hotkey.',
  ),
  NewHotKeyIsSameWithOld: e('Old and new hotkey are the same.', 'Name another hotkey to swap to.'),
  NewHotKeyNotCleanForRootSwap: e(
    'The new hotkey has stake on root or root dividends to claim, which cannot be merged.',
    'Swap to a hotkey that was never used on root.',
  ),
  InvalidWorkBlock: e(
    'The proof of work is for a block that is too old or in the future.',
    'Registration by work is gone; register by burning TAO.',
  ),
  InvalidDifficulty: e(
    'The proof of work misses the difficulty.',
    'Registration by work is gone; register by burning TAO.',
  ),
  InvalidSeal: e(
    'The seal is not that of the work.',
    'Registration by work is gone; register by burning TAO.',
  ),
  MaxWeightExceeded: e(
    'A weight exceeds the subnet’s maximum share.',
    'Spread the weights; current runtimes have no such maximum.',
  ),
  HotKeyAlreadyDelegate: e('The hotkey is a delegate already.', 'Nothing to do.'),
  SettingWeightsTooFast: e(
    'Fewer blocks than weights_rate_limit have passed since this uid’s LastUpdate, which registration sets too.',
    WAIT_RATE,
  ),
  IncorrectWeightVersionKey: e(
    'The version key is below the subnet’s weights_version.',
    'Update the validator’s software to the version that the subnet asks for.',
  ),
  ServingRateLimitExceeded: e('The axon was announced too recently (serving_rate_limit).', WAIT_RATE),
  UidsLengthExceedUidsInSubNet: e(
    'The row is longer than the subnet has neurons.',
    'Read the metagraph again and leave out uids that are not in it.',
  ),
  NetworkTxRateLimitExceeded: e(
    'Another subnet was registered too recently; the limit is one for the whole chain.',
    WAIT_RATE,
  ),
  DelegateTxRateLimitExceeded: e('The take was raised too recently.', WAIT_RATE),
  HotKeySetTxRateLimitExceeded: e('This coldkey swapped a hotkey too recently.', WAIT_RATE),
  StakingRateLimitExceeded: e('Too many stake operations of this pair of keys.', OLD),
  SubNetRegistrationDisabled: e(
    'The subnet takes no registrations at present.',
    'Ask the subnet’s owner; registration_allowed of its hyperparameters says when it is open.',
  ),
  TooManyRegistrationsThisInterval: e(
    'The interval’s registrations are used up.',
    'Try again in the next interval.',
  ),
  TransactorAccountShouldBeHotKey: e('The call is made by hotkeys.', 'Sign with the hotkey.'),
  FaucetDisabled: e('This chain has no faucet.', 'Use a localnet that was built with one, or transfer TAO.'),
  NotSubnetOwner: e('The signer does not own the subnet.', 'Sign with the owner’s coldkey.'),
  RegistrationNotPermittedOnRootSubnet: e(
    'The call is not for the root network (subnet 0).',
    'Name another subnet; root is joined with root_register.',
  ),
  StakeTooLowForRoot: e(
    'Root is full and its smallest member has more stake on root than this hotkey.',
    'Stake more TAO on root to the hotkey.',
  ),
  AllNetworksInImmunity: e(
    'There is no room for a subnet, and every subnet that could make room is immune.',
    'Try again when the immunity of the youngest subnets has ended.',
  ),
  NotEnoughBalanceToPaySwapHotKey: e(
    'The coldkey cannot pay the price of swapping a hotkey.',
    'Transfer TAO to the coldkey.',
  ),
  NotRootSubnet: e('The call is for the root network alone.', 'Name subnet 0.'),
  CanNotSetRootNetworkWeights: e('The root network has no weights any more.', 'Name another subnet.'),
  NoNeuronIdAvailable: e(
    'The subnet is full and each of its neurons is immune.',
    'Try again when an immunity period has ended (immunity_period).',
  ),
  DelegateTakeTooLow: e(
    'The take is not above the present one, or below the minimum.',
    'increase_take wants a higher take, decrease_take a lower one.',
  ),
  DelegateTakeTooHigh: e('The take is above the chain’s maximum.', 'Choose at most 11796 (18 %).'),
  NoWeightsCommitFound: e(
    'The chain holds no commit with this hash: never landed, revealed already, or expired.',
    'Check that uids, values, salt, version key and mechanism are exactly those that were hashed.',
  ),
  InvalidRevealCommitHashNotMatch: e(
    'What was revealed does not hash to what was committed.',
    'Reveal exactly the lists that were hashed; nothing may be scaled in between.',
  ),
  CommitRevealEnabled: e(
    'The subnet takes committed weights only.',
    'Commit instead of setting (assay chain weights set chooses by itself).',
  ),
  CommitRevealDisabled: e(
    'The subnet takes no commits.',
    'Set weights directly (assay chain weights set chooses by itself).',
  ),
  LiquidAlphaDisabled: e(
    'Liquid alpha is off, so its bounds cannot be set.',
    'Enable liquid_alpha_enabled first.',
  ),
  AlphaHighTooLow: e(
    'The upper bound of liquid alpha is too low.',
    'Choose alpha_high between 1638 and 65535.',
  ),
  AlphaLowOutOfRange: e(
    'The lower bound of liquid alpha is out of range.',
    'Choose alpha_low between 1638 and alpha_high.',
  ),
  ColdKeyAlreadyAssociated: e(
    'The new coldkey owns hotkeys already.',
    'Swap to a coldkey that was never used.',
  ),
  NotEnoughBalanceToPaySwapColdKey: e(
    'The coldkey cannot pay the price of being swapped.',
    'Transfer TAO to the coldkey.',
  ),
  InvalidChild: e('A hotkey cannot be its own child.', 'Take the parent out of the list.'),
  DuplicateChild: e('A child stands more than once in the list.', 'Name each child once.'),
  ProportionOverflow: e(
    'The children’s proportions add up to more than everything.',
    'Let the proportions sum to at most 2^64 - 1.',
  ),
  TooManyChildren: e('A hotkey may have five children at most.', 'Shorten the list.'),
  TxRateLimitExceeded: e('The same change was made too recently.', WAIT_RATE),
  ColdkeySwapAnnouncementNotFound: e(
    'The coldkey announced no swap.',
    'Announce it first (announce_coldkey_swap).',
  ),
  ColdkeySwapTooEarly: e(
    'The announced swap has to wait longer.',
    'Try again when the announcement delay has passed (five days).',
  ),
  ColdkeySwapReannouncedTooEarly: e(
    'The swap was announced too recently to be announced anew.',
    'Try again a day after the first announcement became due.',
  ),
  AnnouncedColdkeyHashDoesNotMatch: e(
    'The new coldkey is not the one that was announced.',
    'Name the coldkey whose hash was announced.',
  ),
  ColdkeySwapAlreadyDisputed: e('The swap is under dispute already.', 'Nothing to do; root decides.'),
  NewColdKeyIsHotkey: e('The new coldkey is a hotkey.', 'Name an account that is no hotkey.'),
  InvalidChildkeyTake: e(
    'The childkey take is out of bounds.',
    'Choose a take between the subnet’s minimum and 11796 (18 %).',
  ),
  TxChildkeyTakeRateLimitExceeded: e('The childkey take was raised too recently.', WAIT_RATE),
  InvalidIdentity: e(
    'A field of the identity is too long.',
    'Keep name, url, repository and contact within 256 bytes, the others within 1024.',
  ),
  MechanismDoesNotExist: e(
    'The subnet has no such mechanism.',
    'Name a mechanism below the subnet’s mechanism count.',
  ),
  StakeUnavailable: e('Part of the stake is locked.', 'Leave what is locked, or wait until it unlocks.'),
  SubnetNotExists: e('There is no such subnet.', 'Check the netuid and the network.'),
  TooManyUnrevealedCommits: e(
    'Ten commits of this hotkey wait to be revealed.',
    'Reveal them, or wait until they expire.',
  ),
  ExpiredWeightCommit: e(
    'The epoch in which this commit could be revealed is over.',
    'Commit anew; reveal in the epoch that lies reveal_period after the commit’s.',
  ),
  RevealTooEarly: e(
    'The epoch in which this commit can be revealed has not come.',
    'Reveal in the epoch that lies reveal_period after the commit’s.',
  ),
  InputLengthsUnequal: e(
    'The lists of a batch differ in length.',
    'Give one element of each list for each part.',
  ),
  CommittingWeightsTooFast: e(
    'Fewer blocks than weights_rate_limit have passed since this uid’s LastUpdate, which registration sets too.',
    WAIT_RATE,
  ),
  AmountTooLow: e(
    'The amount is worth less than the chain’s minimum stake (0.002 TAO and the swap’s fee).',
    'Choose a larger amount, or take everything away at once.',
  ),
  InsufficientLiquidity: e('The subnet’s pool cannot serve this amount.', 'Choose a smaller amount.'),
  SlippageTooHigh: e(
    'The price would pass the limit before the amount is served.',
    'Raise the limit when staking, lower it when unstaking; or choose a smaller amount, or --allow-partial.',
  ),
  TransferDisallowed: e(
    'A subnet of this move does not allow stake to change its owner.',
    'Ask the subnet’s owner (transfers_enabled), or unstake instead.',
  ),
  ActivityCutoffTooLow: e(
    'The activity cutoff is below the chain’s minimum.',
    'Choose at least 360 blocks; current runtimes use the activity cutoff factor.',
  ),
  CallDisabled: e(
    'The call is switched off.',
    'Use the call that took its place, or wait until it is enabled.',
  ),
  FirstEmissionBlockNumberAlreadySet: e('The subnet was started already.', 'Nothing to do.'),
  NeedWaitingMoreBlocksToStarCall: e(
    'The subnet is too young to be started.',
    'Try again when the start delay has passed since its registration.',
  ),
  NotEnoughAlphaOutToRecycle: e(
    'There is less alpha outside the pool than is to be recycled.',
    'Choose a smaller amount.',
  ),
  CannotBurnOrRecycleOnRootSubnet: e(
    'TAO on root can be neither burned nor recycled this way.',
    'Name another subnet.',
  ),
  UnableToRecoverPublicKey: e(
    'The signature does not belong to any EVM key.',
    'Sign the message of associate_evm_key with the EVM key.',
  ),
  InvalidRecoveredPublicKey: e(
    'The signature belongs to another EVM key.',
    'Sign with the EVM key that is to be associated.',
  ),
  SubtokenDisabled: e(
    'The subnet was not started: its alpha cannot be traded.',
    'Its owner starts it (start_call).',
  ),
  HotKeySwapOnSubnetIntervalNotPassed: e(
    'The hotkey was swapped on this subnet within the last day.',
    WAIT_RATE,
  ),
  SameNetuid: e('Source and destination are the same.', 'Name another subnet or another key to move to.'),
  InsufficientBalance: e(
    'The account has too little balance.',
    'Transfer TAO to it, or choose a smaller amount.',
  ),
  InvalidLeaseBeneficiary: e(
    'Only the creator of the crowdloan can lease the subnet.',
    'Sign with that account.',
  ),
  LeaseCannotEndInThePast: e('The lease would have ended already.', 'Choose an end block in the future.'),
  LeaseNetuidNotFound: e(
    'The leased subnet was not found after its registration.',
    'Report it: the chain contradicts itself.',
  ),
  LeaseDoesNotExist: e('There is no such lease.', 'Check the lease’s number.'),
  LeaseHasNoEndBlock: e('The lease is perpetual.', 'It cannot be terminated.'),
  LeaseHasNotEnded: e('The lease runs still.', 'Try again after its end block.'),
  Overflow: e('A number left its range.', 'Choose smaller amounts.'),
  BeneficiaryDoesNotOwnHotkey: e(
    'The beneficiary does not own the hotkey.',
    'Name a hotkey of the beneficiary.',
  ),
  ExpectedBeneficiaryOrigin: e('The call is the beneficiary’s.', 'Sign with the beneficiary’s coldkey.'),
  AdminActionProhibitedDuringWeightsWindow: e(
    'Hyperparameters are frozen in the last blocks before an epoch (admin freeze window), and while a triggered epoch is pending.',
    'Try again just after the next epoch; a preview of the call names the block.',
  ),
  SymbolDoesNotExist: e('The symbol is not in the chain’s table.', 'Choose one of the chain’s symbols.'),
  SymbolAlreadyInUse: e('Another subnet has the symbol.', 'Choose a free one.'),
  IncorrectCommitRevealVersion: e(
    'The time-locked commit is of another version than the chain takes.',
    'Update this software; the version is CommitRevealWeightsVersion.',
  ),
  InvalidRevealRound: e(
    'The beacon’s round is past: anybody could open the commit.',
    'Seal the commit to a round in the future.',
  ),
  RevealPeriodTooLarge: e('The reveal period is too long.', 'Choose at most 100 epochs.'),
  RevealPeriodTooSmall: e('The reveal period is too short.', 'Choose at least 1 epoch.'),
  InvalidValue: e('A value is out of its bounds.', 'Check the bounds of the parameter.'),
  SubnetLimitReached: e(
    'There is no room for another subnet and none that could be pruned.',
    'Try again when a subnet has lost its immunity.',
  ),
  CannotAffordLockCost: e(
    'The coldkey cannot pay what registering a subnet costs now.',
    'Transfer TAO to the coldkey, or wait: the cost halves over time.',
  ),
  EvmKeyAssociateRateLimitExceeded: e('An EVM key was associated too recently.', WAIT_RATE),
  SameAutoStakeHotkeyAlreadySet: e('Miner emission is staked to this hotkey already.', 'Nothing to do.'),
  UidMapCouldNotBeCleared: e(
    'The subnet’s uids could not be trimmed.',
    'Report it: the chain contradicts itself.',
  ),
  TrimmingWouldExceedMaxImmunePercentage: e(
    'Too many of the remaining uids would be immune.',
    'Trim to more uids, or wait until immunity periods have ended.',
  ),
  ChildParentInconsistency: e(
    'A hotkey cannot be parent and child in one subnet.',
    'Take the hotkeys that have children of their own out of the list.',
  ),
  InvalidNumRootClaim: e('The number of root claims is out of bounds.', 'Choose a smaller number.'),
  InvalidRootClaimThreshold: e('The threshold is out of bounds.', 'Choose at most 10,000,000.'),
  InvalidSubnetNumber: e('None or too many subnets were named.', 'Name one to five.'),
  TooManyUIDsPerMechanism: e(
    'Neurons times mechanisms would exceed 256.',
    'Lower max_allowed_uids or the mechanism count.',
  ),
  VotingPowerTrackingNotEnabled: e('The subnet does not track voting power.', 'Enable it first.'),
  InvalidVotingPowerEmaAlpha: e('The smoothing factor is out of bounds.', 'Choose at most 10^18.'),
  Deprecated: e('The call does nothing any more.', 'Use the call that took its place.'),
  AddStakeBurnRateLimitExceeded: e(
    'Stake was bought and burned on this subnet within the last tempo.',
    WAIT_RATE,
  ),
  ColdkeySwapAnnounced: e(
    'The coldkey announced its own swap and may do nothing else until it is done.',
    'Finish the swap, or clear its announcement.',
  ),
  ColdkeySwapDisputed: e('The coldkey’s swap is under dispute; it may do nothing.', 'Root has to decide.'),
  ColdkeySwapClearTooEarly: e(
    'The announcement cannot be cleared yet.',
    'Try again when the announcement delay has passed.',
  ),
  DisabledTemporarily: e('The chain has switched this off for now.', 'Try again later.'),
  RegistrationPriceLimitExceeded: e(
    'Registration costs more than the limit given.',
    'Raise the limit, or wait: the price falls while nobody registers.',
  ),
  LockHotkeyMismatch: e(
    'The existing lock is for another hotkey.',
    'Name that hotkey, or move the lock first.',
  ),
  InsufficientStakeForLock: e(
    'There is less stake in the subnet than is to be locked.',
    'Choose a smaller amount, or stake more.',
  ),
  NoExistingLock: e('The coldkey has no lock in this subnet.', 'Lock stake first.'),
  ActiveLockExists: e('The coldkey has an active lock already.', 'Move the lock, or wait until it ends.'),
  CannotUseSystemAccount: e('The account is one of the chain’s own.', 'Name another account.'),
  UnlockAmountTooHigh: e('More would be unlocked than is locked.', 'Choose a smaller amount.'),
  TempoOutOfBounds: e('The tempo is out of bounds.', 'Choose 360 to 50,400 blocks.'),
  ActivityCutoffFactorMilliOutOfBounds: e(
    'The activity cutoff factor is out of bounds.',
    'Choose 1000 to 50,000 thousandths of a tempo.',
  ),
  EpochTriggerAlreadyPending: e('An epoch is triggered already.', 'Wait until it ran.'),
  AutoEpochAlreadyImminent: e('The next epoch comes sooner than a triggered one could.', 'Wait for it.'),
  DynamicTempoBlockedByCommitReveal: e(
    'Epochs cannot be triggered while weights are committed: reveals would miss their window.',
    'Disable commit-reveal first, or wait for the next epoch.',
  ),
  AccountRejectsLockedAlpha: e(
    'The receiving coldkey takes no locked alpha.',
    'Its owner allows it (set_reject_locked_alpha), or choose another.',
  ),
};

const ADMIN_UTILS: Table = {
  SubnetDoesNotExist: e('There is no such subnet.', 'Check the netuid and the network.'),
  MaxValidatorsLargerThanMaxUIds: e(
    'There would be more validators than uids.',
    'Choose at most max_allowed_uids.',
  ),
  MaxAllowedUIdsLessThanCurrentUIds: e(
    'The subnet has more neurons than that.',
    'Choose at least the present number of neurons, or trim them first.',
  ),
  BondsMovingAverageMaxReached: e('Owners may go no higher.', 'Choose at most 975,000.'),
  NegativeSigmoidSteepness: e('Only root may set a negative steepness.', 'Choose 0 or more.'),
  ValueNotInBounds: e(
    'The value is out of bounds.',
    'Check the bounds of the hyperparameter (assay subnet set --help).',
  ),
  MinAllowedUidsGreaterThanCurrentUids: e(
    'The minimum must lie below the present number of neurons.',
    'Choose a smaller minimum.',
  ),
  MinAllowedUidsGreaterThanMaxAllowedUids: e(
    'The minimum must lie below the maximum.',
    'Choose a smaller minimum.',
  ),
  MaxAllowedUidsLessThanMinAllowedUids: e(
    'The maximum must not lie below the minimum.',
    'Choose a larger maximum.',
  ),
  MaxAllowedUidsGreaterThanDefaultMaxAllowedUids: e(
    'The maximum is above what the chain allows.',
    'Choose at most 256.',
  ),
  InvalidValue: e(
    'The value is out of bounds.',
    'Check the bounds of the hyperparameter (assay subnet set --help).',
  ),
  NotPermittedOnRootSubnet: e('The root network has no such parameter.', 'Name another subnet.'),
  POWRegistrationDisabled: e('Registration by work is gone.', 'Nothing to set.'),
  Deprecated: e('The call does nothing any more.', 'Nothing to set.'),
};

const COMMITMENTS: Table = {
  TooManyFieldsInCommitmentInfo: e('The commitment has too many fields.', 'Give three fields at most.'),
  AccountNotAllowedCommit: e(
    'The hotkey is not registered in this subnet.',
    'Register it (assay chain register), and sign with the hotkey.',
  ),
  SpaceLimitExceeded: e(
    'The hotkey’s bytes for this epoch are used up.',
    'Wait for the next epoch, or commit fewer bytes; each commit counts 100 at least.',
  ),
  UnexpectedUnreserveLeftover: e(
    'An old deposit could not be given back completely.',
    'Report it: the chain contradicts itself.',
  ),
};

const BALANCES: Table = {
  VestingBalance: e('Part of the balance is vesting.', 'Choose a smaller amount, or wait.'),
  LiquidityRestrictions: e(
    'Part of the balance is locked.',
    'Choose a smaller amount, or wait until the lock ends.',
  ),
  InsufficientBalance: e(
    'The account has too little balance.',
    'Transfer TAO to it, or choose a smaller amount; fees come on top.',
  ),
  ExistentialDeposit: e(
    'The receiving account would hold less than the existential deposit.',
    'Send at least 500 rao.',
  ),
  Expendability: e(
    'The sending account would fall below the existential deposit and be removed.',
    'Leave 500 rao, or use the call that may end the account.',
  ),
  ExistingVestingSchedule: e('The account has a vesting schedule already.', 'Choose another account.'),
  DeadAccount: e(
    'The receiving account does not exist and the amount is too small to make it.',
    'Send at least 500 rao.',
  ),
  TooManyReserves: e('The account has too many reserves.', 'Release one first.'),
  TooManyHolds: e('The account has too many holds.', 'Release one first.'),
  TooManyFreezes: e('The account has too many freezes.', 'End one first.'),
  IssuanceDeactivated: e('Issuance cannot be changed this way.', 'Nothing to do.'),
  DeltaZero: e('The change is 0: nothing would change.', 'Give an amount above 0.'),
};

const SWAP: Table = {
  FeeRateTooHigh: e('The fee is above the maximum.', 'Choose a smaller fee.'),
  InsufficientInputAmount: e('The amount is too small to be swapped.', 'Choose a larger amount.'),
  InsufficientLiquidity: e('The subnet’s pool cannot serve this amount.', 'Choose a smaller amount.'),
  PriceLimitExceeded: e(
    'The price is past the limit already.',
    'Raise the limit for buying, lower it for selling.',
  ),
  InsufficientBalance: e('The account has too little balance.', 'Choose a smaller amount.'),
  InvalidTickRange: e('The position’s bounds are no range.', 'Choose a lower bound below the upper one.'),
  InvalidLiquidityValue: e('The liquidity is out of bounds.', 'Choose another amount.'),
  ReservesTooLow: e('The subnet’s pool is too small for any trade.', 'Wait until it has grown.'),
  MechanismDoesNotExist: e('The subnet has no pool.', 'Name a subnet with alpha of its own.'),
  SubtokenDisabled: e(
    'The subnet was not started: its alpha cannot be traded.',
    'Its owner starts it (start_call).',
  ),
  ReservesOutOfBalance: e(
    'The pool’s reserves are too far apart for this trade.',
    'Choose a smaller amount.',
  ),
  SwapInputTooLarge: e('The amount exceeds a thousand times the pool.', 'Choose a smaller amount.'),
  Deprecated: e('The call does nothing any more.', 'Pools take no liquidity of users.'),
};

const SYSTEM: Table = {
  CallFiltered: e(
    'The chain takes no such calls at present (safe mode), or never from outside.',
    'Wait until safe mode ends.',
  ),
  InvalidSpecName: e('The code is of another chain.', 'Check the code.'),
  SpecVersionNeedsToIncrease: e('The code is not newer than what runs.', 'Raise its spec version.'),
  FailedToExtractRuntimeVersion: e('The code does not say its version.', 'Check the code.'),
};

const PROXY: Table = {
  TooMany: e('The account has the most proxies or announcements allowed.', 'Remove one first.'),
  NotFound: e('There is no such proxy.', 'Check delegate, kind and delay.'),
  NotProxy: e(
    'The signer is no proxy of this account for such calls.',
    'Have the account add it as a proxy of a kind that allows the call.',
  ),
  Unproxyable: e('The proxy’s kind does not allow this call.', 'Use a proxy of another kind.'),
  Duplicate: e('The proxy exists already.', 'Nothing to do.'),
  NoPermission: e(
    'The call may make the proxy more powerful than it is.',
    'Make it with the account itself.',
  ),
  Unannounced: e('The call was not announced, or its delay has not passed.', 'Announce it and wait.'),
  NoSelfProxy: e('An account cannot be its own proxy.', 'Name another account.'),
};

const OTHER_PALLETS: Readonly<Record<string, Table>> = {
  Sudo: {
    RequireSudo: e(
      'The signer is not the chain’s sudo key.',
      'Sign with the sudo key; live chains have none that you hold.',
    ),
  },
  Utility: {
    TooManyCalls: e('The batch has too many calls.', 'Split the batch.'),
    InvalidDerivedAccount: e('The derived account does not exist.', 'Check its index.'),
  },
  SafeMode: { Entered: e('The chain is in safe mode.', 'Wait until it ends.') },
};

/** sp_runtime TokenError, as `Token.<name>`. */
const TOKEN: Table = {
  FundsUnavailable: e(
    'The account has too little balance.',
    'Transfer TAO to it, or choose a smaller amount; fees come on top.',
  ),
  OnlyProvider: e(
    'The account is needed and may not be emptied.',
    'Leave the existential deposit (500 rao).',
  ),
  BelowMinimum: e('An account would hold less than the existential deposit.', 'Send at least 500 rao.'),
  CannotCreate: e(
    'The receiving account does not exist and the amount is too small to make it.',
    'Send at least 500 rao.',
  ),
  UnknownAsset: e('There is no such asset.', 'Check its number.'),
  Frozen: e('The balance is frozen.', 'Wait until the freeze ends, or choose a smaller amount.'),
  Unsupported: e('The asset does not support this.', 'Nothing to do.'),
  CannotCreateHold: e('The balance cannot be held.', 'Leave the existential deposit (500 rao).'),
  NotExpendable: e(
    'The account would fall below the existential deposit and be removed.',
    'Leave 500 rao, or use the call that may end the account.',
  ),
  Blocked: e('The account takes nothing.', 'Name another account.'),
};

/** sp_runtime ArithmeticError, as `Arithmetic.<name>`. */
const ARITHMETIC: Table = {
  Underflow: e('A number fell below 0: there is less than was to be taken.', 'Choose a smaller amount.'),
  Overflow: e('A number left its range.', 'Choose smaller amounts.'),
  DivisionByZero: e(
    'Something was divided by 0: a pool or a total is empty.',
    'Wait until it holds something.',
  ),
};

/** Variants of DispatchError itself. */
const DISPATCH: Table = {
  Other: e('The chain gave no reason.', 'Read the node’s log.'),
  CannotLookup: e('An account could not be looked up.', 'Give the account as an address.'),
  BadOrigin: e(
    'The signer may not make this call: it belongs to the subnet’s owner, or to root.',
    'Sign with the owner’s coldkey; what only root may do needs the sudo key.',
  ),
  ConsumerRemaining: e('Something still uses the account.', 'Release what it holds first.'),
  NoProviders: e('The account does not exist.', 'Send it the existential deposit (500 rao) first.'),
  TooManyConsumers: e('Too much uses the account.', 'Release some of what it holds.'),
  Exhausted: e('The block has no room for the call.', 'Send it again.'),
  Corruption: e('The chain’s state is damaged.', 'Report it.'),
  Unavailable: e('Something that the call needs is not there at present.', 'Send it again later.'),
  RootNotAllowed: e('Root may not make this call.', 'Sign with an ordinary account.'),
};

/** What a node’s pool says before a call is in any block: sp_runtime InvalidTransaction, sc_rpc, and Subtensor’s Custom(n). */
const POOL: Table = {
  Call: e('The chain takes no such call from outside.', 'Check the call; it may need another origin.'),
  Payment: e('The signer cannot pay the fee.', 'Transfer TAO to the signer.'),
  Future: e(
    'The nonce is ahead of the account: something sent before is missing.',
    'Send again; the client reads the nonce anew.',
  ),
  Stale: e(
    'The nonce was used already: this or another extrinsic of the account is in a block.',
    'Look at what happened before sending again.',
  ),
  BadProof: e(
    'The signature is not right for this chain.',
    'Connect anew: the runtime may have been upgraded meanwhile.',
  ),
  AncientBirthBlock: e('The extrinsic’s time has run out.', 'Decide anew and sign again.'),
  ExhaustsResources: e('The next block has no room for the call.', 'Send it again.'),
  BadSigner: e('The signer is not allowed to sign this.', 'Sign with another key.'),
  BadMandatory: e('The call is for block authors.', 'It cannot be sent.'),
  MandatoryValidation: e('The call is for block authors.', 'It cannot be sent.'),
  IndeterminateImplicit: e('The signed extra data could not be checked.', 'Connect anew and sign again.'),
  UnknownOrigin: e('The pool does not know who signs.', 'Sign with an ordinary account.'),
  Invalid: e(
    'The pool dropped it: it can never be included any more.',
    'Decide anew from the chain’s state.',
  ),
  Dropped: e('The pool was full and dropped it.', 'Decide anew from the chain’s state.'),
  Usurped: e(
    'Another extrinsic of the account with the same nonce took its place.',
    'Let one program at a time use a key.',
  ),
  BadFormat: e(
    'The node does not understand the bytes.',
    'Connect anew: the runtime may have been upgraded meanwhile.',
  ),
  Verification: e('The node could not verify the extrinsic.', 'Connect anew and sign again.'),
  UnknownValidity: e('The node cannot tell whether the extrinsic is valid.', 'Try another node.'),
  TemporarilyBanned: e('The same bytes were refused shortly before.', 'Wait some minutes, or sign anew.'),
  AlreadyImported: e('The pool has these bytes already.', 'Wait for its block.'),
  TooLowPriority: e(
    'The pool has another extrinsic of the account with the same nonce; tips buy no priority.',
    'Wait for the other, or let one program at a time use a key.',
  ),
  CycleDetected: e('The extrinsic waits for itself.', 'Report it.'),
  ImmediatelyDropped: e('The pool is full.', 'Send it again later, or use another node.'),
  Unactionable: e('The node takes no extrinsics.', 'Use another node.'),
  ColdkeyInSwapSchedule: e(
    'The coldkey announced its own swap and may do nothing else until it is done.',
    'Finish the swap, or clear its announcement.',
  ),
  StakeAmountTooLow: e(
    'The amount, or the stake behind the hotkey, is too small.',
    'Choose a larger amount; for weights, stake more to the hotkey.',
  ),
  BalanceTooLow: e(
    'The coldkey’s free balance does not cover the amount.',
    'Transfer TAO to the coldkey, or choose a smaller amount.',
  ),
  HotkeyAccountDoesntExist: e(
    'No coldkey owns this hotkey: it was never registered on this chain.',
    'Check the hotkey’s address and the network; register the hotkey first.',
  ),
  RateLimitExceeded: e('The same was done too recently.', WAIT_RATE),
  ZeroMaxAmount: e('The price limit leaves nothing to trade.', 'Move the limit past the present price.'),
  CommitNotFound: e(
    'The chain holds no commit with this hash: never landed, revealed already, or expired.',
    'Check that uids, values, salt, version key and mechanism are exactly those that were hashed.',
  ),
  CommitBlockNotInRevealRange: e(
    'The commit cannot be revealed in this epoch: it is too early, or the commit has expired.',
    'Reveal in the epoch that lies reveal_period after the commit’s.',
  ),
  UidNotFound: e(
    'The hotkey has no uid in this subnet.',
    'Register it (assay chain register), or check hotkey and netuid.',
  ),
  InvalidRealAccount: e(
    'The proxied account is not one that the signer may act for.',
    'Check the account, and the proxies it has.',
  ),
  FailedShieldedTxParsing: e(
    'The encrypted extrinsic could not be read.',
    'Encrypt it anew for the present key.',
  ),
  InvalidShieldedTxPubKeyHash: e(
    'The encrypted extrinsic is for a key that is no longer in use.',
    'Encrypt it anew for the present key.',
  ),
  BadRequest: e(
    'The chain’s pool refused the call without saying more.',
    'Look at the call’s arguments and at the account’s state.',
  ),
  NotRun: e(
    'An earlier part of the batch failed, and the rest was not run.',
    'Mend the part that failed and send the rest again.',
  ),
};

/** By pallet as the metadata names it; `Token`, `Arithmetic`, `Dispatch` and `Pool` for what is no pallet’s. */
export const ERRORS_EXPLAINED: Readonly<Record<string, Table>> = {
  SubtensorModule: SUBTENSOR_MODULE,
  AdminUtils: ADMIN_UTILS,
  Commitments: COMMITMENTS,
  Balances: BALANCES,
  Swap: SWAP,
  System: SYSTEM,
  Proxy: PROXY,
  ...OTHER_PALLETS,
  Token: TOKEN,
  Arithmetic: ARITHMETIC,
  Dispatch: DISPATCH,
  Pool: POOL,
};
