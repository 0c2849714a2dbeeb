// SPDX-License-Identifier: Apache-2.0
// Driver of bench/raptorq.py for the crate raptorq (docs/raptorq-performance.md, "Peers"). The object is compared.
//
//     cberner K T SECONDS
use raptorq::*;
use std::io::Write;
use std::time::Instant;

fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E3779B97F4A7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D049BB133111EB);
    z ^ (z >> 31)
}

/// Fastest run within the time, at least one.
fn report(name: &str, len: usize, seconds: f64, mut run: impl FnMut() -> f64) {
    let start = Instant::now();
    let mut best = run();
    while start.elapsed().as_secs_f64() < seconds {
        best = best.min(run());
    }
    print!(" {} {:.0}", name, len as f64 / best / 1e6);
    std::io::stdout().flush().unwrap();
}

fn timed<R>(run: impl FnOnce() -> R) -> f64 {
    let start = Instant::now();
    let result = run();
    let took = start.elapsed().as_secs_f64();
    std::hint::black_box(&result);
    took
}

/// What is left of the object and as many repair packets as were lost, plus one.
fn received(source: &[EncodingPacket], repair: &[EncodingPacket], percent: usize) -> Vec<EncodingPacket> {
    let k = source.len();
    let n = (k * percent).div_ceil(100);
    let (mut gone, mut lost, mut state) = (vec![false; k], 0, percent as u64);
    while lost < n {
        let i = next_random(&mut state) as usize % k;
        lost += !gone[i] as usize;
        gone[i] = true;
    }
    let mut packets: Vec<_> = (0..k).filter(|&i| !gone[i]).map(|i| source[i].clone()).collect();
    packets.extend_from_slice(&repair[..n + 1]);
    packets
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let k: usize = arguments[1].parse().unwrap();
    let t: u16 = arguments[2].parse().unwrap();
    let seconds: f64 = arguments[3].parse().unwrap();
    let len = k * t as usize;
    let mut state = 1;
    let data: Vec<u8> = (0..len).map(|_| next_random(&mut state) as u8).collect();
    let config = ObjectTransmissionInformation::new(len as u64, t, 1, 1, 8);
    let plan = SourceBlockEncodingPlan::generate(k as u16);
    let tenth = k.div_ceil(10) as u32;

    print!("cberner K={k} T={t}");
    report("warm", len, seconds, || {
        timed(|| SourceBlockEncoder::with_encoding_plan(0, &config, &data, &plan).repair_packets(0, tenth))
    });
    report("cold", len, seconds, || {
        timed(|| {
            let plan = SourceBlockEncodingPlan::generate(k as u16);
            SourceBlockEncoder::with_encoding_plan(0, &config, &data, &plan).repair_packets(0, tenth)
        })
    });
    let encoder = SourceBlockEncoder::with_encoding_plan(0, &config, &data, &plan);
    let (source, repair) = (encoder.source_packets(), encoder.repair_packets(0, (k + 8) as u32));
    drop(encoder);
    let decode = |percent: usize| {
        let packets = received(&source, &repair, percent);
        let mut object = None;
        let took = timed(|| object = SourceBlockDecoder::new(0, &config, len as u64).decode(packets));
        assert!(object.as_ref().unwrap() == &data);
        took
    };
    for percent in [5, 17, 50, 83] {
        report(&format!("d{percent}"), len, seconds, || decode(percent));
    }
    if t >= 65528 && k <= 2000 {
        report("heal", len, seconds, || {
            decode(83)
                + timed(|| SourceBlockEncoder::new(0, &config, &data).repair_packets(0, 5 * k as u32))
        });
    }
    println!();
}
