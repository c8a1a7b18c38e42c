//! What a host does with the guest's network when it means well: a lease, a call, a name.

use enclave_devices::net::Network;
use tests_fuzz::fixtures::MAC;
use tests_fuzz::host::{Device, Ring, Script, Step};
use tests_fuzz::network::{PORT, start};

const GATEWAY: [u8; 4] = [10, 0, 2, 2];
const GUEST: [u8; 4] = [10, 0, 2, 15];
const GATEWAY_MAC: [u8; 6] = [0x52, 0x55, 10, 0, 2, 2];
/// What TCP's flags are called.
const FIN: u8 = 1;
const SYN: u8 = 2;
const PSH: u8 = 8;
const ACK: u8 = 16;

/// By name.
pub(super) fn sessions() -> Vec<(&'static str, Vec<u8>)> {
    vec![("call", call().0), ("lease", lease().steps), ("name", name().0)]
}

/// The seeds do what they are for.
pub(super) fn check() {
    assert_eq!(lease().network.address().as_deref(), Some("10.0.2.15/24"));
    assert_eq!(call().1, b"hello");
    assert_eq!(name().1, [[203, 0, 113, 7]]);
}

/// A host, its guest, and what it has done so far as a script.
struct Session {
    network: Network<Device>,
    receive: Ring,
    transmit: Ring,
    now_us: u64,
    steps: Vec<u8>,
}

impl Session {
    fn new() -> Self {
        let (device, network) = start().unwrap();
        let (receive, transmit) = (device.queue(0).unwrap(), device.queue(1).unwrap());
        Self { network, receive, transmit, now_us: 0, steps: Vec::new() }
    }

    /// The guest looks, a millisecond later.
    fn look(&mut self) {
        self.now_us += 1_000;
        self.network.poll(self.now_us).unwrap();
        self.steps.extend([0, 1, 0, 0]);
    }

    /// The guest receives a packet, and looks.
    fn packet(&mut self, ethernet_type: u16, packet: &[u8]) {
        let frame = [&[0; 12][..], &MAC[..6], &GATEWAY_MAC, &ethernet_type.to_be_bytes(), packet].concat();
        let [low, high] = u16::try_from(frame.len()).unwrap().to_le_bytes();
        let step = [&[6, low, high, 0][..], &frame].concat();
        // A look at the end, or else the script would want another step.
        let script = [step.as_slice(), &[0; 4]].concat();
        let next = Script::new(&script).next(&mut self.receive, &mut self.transmit);
        assert_eq!(next, Some(Step::Look { milliseconds: 0 }));
        self.steps.extend(step);
        self.look();
    }

    /// Of IPv4, from the gateway to the guest; the script sets the checksums.
    fn ip(&mut self, protocol: u8, payload: &[u8]) {
        let length = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
        let header = [&[0x45, 0][..], &length, &[0, 0, 0, 0, 64, protocol, 0, 0], &GATEWAY, &GUEST].concat();
        self.packet(0x0800, &[header.as_slice(), payload].concat());
    }

    /// Of UDP, without a checksum.
    fn udp(&mut self, from: u16, to: u16, payload: &[u8]) {
        let length = u16::try_from(8 + payload.len()).unwrap();
        let header: Vec<u8> = [from, to, length, 0].into_iter().flat_map(u16::to_be_bytes).collect();
        self.ip(17, &[header.as_slice(), payload].concat());
    }

    /// A segment from port 4096 to the guest's.
    fn tcp(&mut self, flags: u8, sequence: u32, acknowledged: u32, payload: &[u8]) {
        let ports = [4096_u16, PORT].map(u16::to_be_bytes).concat();
        let numbers = [sequence, acknowledged].map(u32::to_be_bytes).concat();
        let rest = [0x50, flags, 0x40, 0, 0, 0, 0, 0];
        self.ip(6, &[ports.as_slice(), &numbers, &rest, payload].concat());
    }

    /// The first of the packets that the guest has sent since which is what is looked for.
    fn sent<V>(&mut self, look_for: impl Fn(&[u8]) -> Option<V>) -> V {
        let packets = core::iter::from_fn(|| self.transmit.read_next::<512>());
        packets.filter_map(|packet| look_for(&packet[12..])).next().unwrap()
    }
}

/// Looks, an offer, a lease, and a probe.
fn lease() -> Session {
    let mut session = Session::new();
    session.look();
    // Behind the headers of Ethernet, IPv4 and UDP, four bytes, then the number to answer to.
    let number = session.sent(|frame| Some(frame[46..50].to_vec()));
    for kind in [2, 5] {
        let options = [
            &[0x63, 0x82, 0x53, 0x63, 53, 1, kind, 54, 4][..],
            &GATEWAY,
            &[51, 4, 0, 1, 0, 0, 1, 4, 255, 255, 255, 0, 3, 4],
            &GATEWAY,
            &[6, 4],
            &GATEWAY,
            &[255],
        ];
        let head = [&[2, 1, 6, 0][..], &number, &[0; 8], &GUEST, &GATEWAY, &[0; 4], &MAC[..6]];
        session.udp(67, 68, &[head.concat().as_slice(), &[0; 10 + 192], &options.concat()].concat());
    }
    session
}

/// The gateway asks for the guest's hardware address, and so tells its own.
fn met() -> Session {
    let mut session = lease();
    let operation = [0, 1, 8, 0, 6, 4, 0, 1];
    session.packet(0x0806, &[&operation[..], &GATEWAY_MAC, &GATEWAY, &[0; 6], &GUEST].concat());
    session
}

/// Somebody calls, says hello, hears it again, and both close: the script, and what was heard.
fn call() -> (Vec<u8>, Vec<u8>) {
    let mut session = met();
    session.tcp(SYN, 1_000, 0, &[]);
    let is_answer = |frame: &[u8]| (frame[23] == 6 && frame[47] == SYN | ACK).then(|| frame[38..42].to_vec());
    let number = u32::from_be_bytes(session.sent(is_answer).try_into().unwrap()).wrapping_add(1);
    session.tcp(ACK, 1_001, number, &[]);
    let id = session.network.accept().unwrap();
    session.tcp(ACK | PSH, 1_001, number, b"hello");
    let mut heard = Vec::new();
    session.network.receive(id, 100, |bytes| heard.extend_from_slice(bytes));
    // As the target does.
    assert_eq!(session.network.send(id, &heard), 5);
    session.look();
    session.tcp(ACK, 1_006, number.wrapping_add(5), &[]);
    session.tcp(FIN | ACK, 1_006, number.wrapping_add(5), &[]);
    // The target is told to let its first connection go.
    session.steps.extend([1, 1, 0, 0, 5]);
    session.network.release(id);
    session.look();
    session.tcp(ACK, 1_007, number.wrapping_add(6), &[]);
    (session.steps, heard)
}

/// The guest asks for a name and is told: the script, and the addresses.
fn name() -> (Vec<u8>, Vec<[u8; 4]>) {
    let mut session = met();
    let name = b"a.example";
    session.steps.extend([1, 10, 0, 0, 2]);
    session.steps.extend(name);
    let id = session.network.resolve("a.example").unwrap();
    session.look();
    let question =
        session.sent(|frame| (frame[23] == 17 && frame[36..38] == [0, 53]).then(|| frame.to_vec()));
    let port = u16::from_be_bytes([question[34], question[35]]);
    let mut answer = question[42..42 + 12 + 11 + 4].to_vec();
    (answer[2], answer[3], answer[7]) = (0x81, 0x80, 1);
    answer.extend([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 203, 0, 113, 7]);
    session.udp(53, port, &answer);
    let addresses = session.network.resolved(id).unwrap().unwrap();
    (session.steps, addresses.iter().map(|address| address.octets()).collect())
}
