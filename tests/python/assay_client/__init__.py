# SPDX-License-Identifier: Apache-2.0
"""A second client, written from docs/protocol.md alone; shares no code with the C side. Tests only."""
