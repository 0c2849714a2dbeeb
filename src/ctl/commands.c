/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl.h"

const struct ctl_command ctl_commands[] = {
	{"init", "", 0, 0, OPT(ACCOUNT) | OPT(NETWORK) | OPT(ADDRESS) | OPT(OPERATOR),
	 "Makes the keys (mode 0600) and the registry of a node, and with --account and --network "
	 "its configuration. With --dir all of it is in that folder. Never replaces keys.",
	 command_init},
	{"node id", "", 0, 0, 0,
	 "Prints this node's registration line, to be added to the registries of others.",
	 command_node_id},
	{"client init", "FILE", 1, 1, OPT(ACCOUNT) | OPT(PERMISSIONS),
	 "Makes the key file of a client (mode 0600) and prints its registration line, to be added "
	 "to the registries of the nodes it may ask.",
	 command_client_init},
	{"registry add", "FILE|-", 1, 1, 0,
	 "Adds registration lines, all or none; a running daemon takes them over at once.",
	 command_registry_add},
	{"registry remove", "ACCOUNT", 1, 1, 0,
	 "Removes a node or client; a running daemon ends its sessions.", command_registry_remove},
	{"registry list", "", 0, 0, 0, "Shows the registry file.", command_registry_list},
	{"artifact put", "FILE...", 1, 4096, 0,
	 "Stores files; - is standard input. The daemon need not be able to open them.",
	 command_artifact_put},
	{"artifact get", "KEY FILE", 2, 2, OPT(FORCE),
	 "Writes an artifact's checked bytes to a file; - is standard output.",
	 command_artifact_get},
	{"artifact list", "", 0, 0, 0, "Shows what is stored, resident or rotten.",
	 command_artifact_list},
	{"stats", "", 0, 0, OPT(WATCH),
	 "Shows workers, stages, and where every datagram went: received = answered + handed over "
	 "+ dropped + in progress.",
	 command_stats},
	{"doctor", "", 0, 0, 0,
	 "Shows what is wrong with this machine for this configuration, and the command that fixes "
	 "it. Without a daemon it looks by itself.",
	 command_doctor},
	{"prove", "", 0, 0,
	 OPT(PEER) | OPT(KEY) | OPT(KEYS) | OPT(COUNT) | OPT(TREE) | OPT(PLAIN) | OPT(SEED) |
		 OPT(EPOCH) | OPT(RANGES) | OPT(LENGTH) | OPT(CLIENT_KEYS) | OPT(ACCOUNT),
	 "Challenges nodes for random ranges of artifacts and checks every step of each answer. "
	 "Exits with 1 unless all of them pass.",
	 command_prove},
	{"codec encode", "FILE", 1, 1, OPT(OUTPUT) | OPT(RATIO) | OPT(DAEMON),
	 "Codes a file into symbol files and their layout in the folder of -o. Needs no daemon.",
	 command_codec_encode},
	{"codec decode", "DIR", 1, 1, OPT(OUTPUT) | OPT(FORCE) | OPT(DAEMON),
	 "Rebuilds the file of -o from a folder of codec encode with enough good symbol files; "
	 "names and skips damaged and foreign ones.",
	 command_codec_decode},
	{"codec heal", "DIR", 1, 1, OPT(DAEMON),
	 "Makes every symbol file again that a folder of codec encode lacks or has damaged.",
	 command_codec_heal},
	{"codec inspect", "DIR", 1, 1, 0,
	 "Checks a folder of symbol files: how many are good, and how many more a decode needs.",
	 command_codec_inspect},
	{"put", "FILE", 1, 1, 0,
	 "Stores a file on the network: codes it, spreads the artifacts over the nodes, collects "
	 "their receipts and records a ticket. Putting the same file again finds its ticket.",
	 command_put},
	{"get", "TICKET", 1, 1, OPT(OUTPUT) | OPT(FORCE),
	 "Rebuilds a ticket's file from any sufficient set of symbols, into the file of -o.",
	 command_get},
	{"heals", "", 0, 0, OPT(WATCH) | OPT(OPEN),
	 "Shows the ledger's heal operations: who heals and who verifies, until which epoch, what "
	 "happens next, and this node's part in it.",
	 command_heals},
	{"tickets", "", 0, 0, 0, "Shows the tickets of the ledger.", command_tickets},
	{"authority init", "FILE", 1, 1, 0,
	 "Makes the key file of a network's authority (mode 0600) and prints its public key. Keep "
	 "it off the nodes.",
	 command_authority_init},
	{"ledger tip", "", 0, 0, 0,
	 "Prints what this node, as a member of the committee, tells the founders; makes its "
	 "secret (tick-secret.json, mode 0600) when there is none.",
	 command_ledger_tip},
	{"ledger init", "FILE|-", 1, 1,
	 OPT(NETWORK) | OPT(AUTHORITY) | OPT(COMMITTEE) | OPT(THRESHOLD) | OPT(PARAMS) |
		 OPT(OUTPUT) | OPT(FORCE),
	 "Founds a network: writes its genesis document from the lines of node id and ledger tip "
	 "of all founders. A network founded without a key group never seals an epoch.",
	 command_ledger_init},
	{"config print", "", 0, 0, 0,
	 "Checks the configuration file and prints what it sets, without a daemon.",
	 command_config_print},
	{"completion", "bash", 1, 1, 0, "Prints the completion script of a shell.",
	 command_completion},
};
const unsigned ctl_command_count = sizeof(ctl_commands) / sizeof(ctl_commands[0]);
