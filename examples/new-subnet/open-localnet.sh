# What a founder does, on a fresh localnet and with development keys: Alice owns the subnet, Bob validates, Charlie mines.
# Usage: npm run open-localnet [-- ws://127.0.0.1:9944]
set -e
network=${1:-ws://127.0.0.1:9944}

# the parameters of hash-cells as a file that names the policy: what validators and miners go by
assay verification params export --module dist/src/subnet.js --class hash-cells/example --policy policy.json --out params.json

assay subnet create --start --wallet //Alice --hotkey //Alice//owner --network "$network"

# a subnet starts as the chain starts it; these suit epochs of a quarter of a minute, and weights in the open
assay subnet set subnet_emission_enabled true --netuid 1 --wallet //Alice --sudo --network "$network"
assay subnet set commit_reveal_weights_enabled false --netuid 1 --wallet //Alice --sudo --network "$network"
assay subnet set weights_set_rate_limit 0 --netuid 1 --wallet //Alice --sudo --network "$network"

# the owner's word on the chain: which files count, by their digests, and from which epoch on
assay verification params publish params.json --module dist/src/subnet.js --netuid 1 --wallet //Alice --hotkey //Alice//owner --network "$network"

assay chain register --netuid 1 --wallet //Bob --hotkey //Bob//validator --network "$network"
assay chain stake 1000 --limit-price 10 --netuid 1 --wallet //Bob --hotkey //Bob//validator --network "$network"
assay chain register --netuid 1 --wallet //Charlie --hotkey //Charlie//miner --network "$network"
