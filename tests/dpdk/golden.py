#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes frame_golden.h: frames as scapy builds them (python3-scapy), an implementation that is not ours."""
from scapy.all import (ARP, ICMP, IP, UDP, Ether, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ND_NA,
                       ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, IPv6)

US, THEM = "02:00:00:00:00:01", "02:00:00:00:00:09"
US4, THEM4, US6, THEM6 = "192.0.2.1", "192.0.2.9", "2001:db8::1", "2001:db8::9"

to_us, to_them = Ether(dst=US, src=THEM), Ether(dst=THEM, src=US)
ip_in, ip_out = IP(src=THEM4, dst=US4, id=7), IP(src=US4, dst=THEM4, id=0, flags="DF")
ip6_in, ip6_out = IPv6(src=THEM6, dst=US6), IPv6(src=US6, dst=THEM6)
udp_in, udp_out = UDP(sport=5000, dport=4600), UDP(sport=4600, dport=5000)
udp4_out = UDP(sport=4600, dport=5000, chksum=0)
group = "ff02::1:ff00:1"
ping = b"0123456789abcdef"

frames = {
    "UDP4": to_us / ip_in / udp_in / b"hello",
    "UDP6": to_us / ip6_in / udp_in / b"hello",
    "ANSWER4": to_them / ip_out / udp4_out / b"olleh",
    "ANSWER6": to_them / ip6_out / udp_out / b"olleh",
    "ARP": Ether(dst="ff:ff:ff:ff:ff:ff", src=THEM) / ARP(op=1, hwsrc=THEM, psrc=THEM4, pdst=US4),
    "ARP_REPLY": to_them / ARP(op=2, hwsrc=US, psrc=US4, hwdst=THEM, pdst=THEM4),
    "ND": Ether(dst="33:33:ff:00:00:01", src=THEM) / IPv6(src=THEM6, dst=group)
          / ICMPv6ND_NS(tgt=US6) / ICMPv6NDOptSrcLLAddr(lladdr=THEM),
    "ND_REPLY": to_them / ip6_out / ICMPv6ND_NA(tgt=US6, R=0, S=1, O=1)
                / ICMPv6NDOptDstLLAddr(lladdr=US),
    "ECHO4": to_us / ip_in / ICMP(type=8, id=3, seq=1) / ping,
    "ECHO4_REPLY": to_them / IP(src=US4, dst=THEM4, id=7) / ICMP(type=0, id=3, seq=1) / ping,
    "ECHO6": to_us / ip6_in / ICMPv6EchoRequest(id=3, seq=1, data=ping),
    "ECHO6_REPLY": to_them / ip6_out / ICMPv6EchoReply(id=3, seq=1, data=ping),
}

print("/* SPDX-License-Identifier: Apache-2.0 */")
print("/* Written by golden.py. */")
for name, frame in frames.items():
    text = bytes(frame).hex()
    lines = [text[i:i + 80] for i in range(0, len(text), 80)]
    print(f"#define GOLDEN_{name} \\")
    print(" \\\n".join(f'\t"{line}"' for line in lines))
