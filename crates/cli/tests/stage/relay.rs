//! A way to the server that counts what passes, lets so much pass and no more, and can be cut.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// A relay in front of a server. Ends with the test's process.
pub struct Relay {
    pub addr: SocketAddr,
    ways: Arc<Ways>,
}

#[derive(Default)]
struct Ways {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    up: Way,
    down: Way,
    open: Vec<TcpStream>,
}

/// One direction.
#[derive(Default, Clone, Copy)]
struct Way {
    passed: u64,
    /// How many connections wait for leave.
    waiting: usize,
    /// Where it stops; none when it does not.
    limit: Option<u64>,
}

#[derive(Clone, Copy)]
pub enum To {
    Server,
    Client,
}

impl State {
    fn way(&mut self, to: To) -> &mut Way {
        match to {
            To::Server => &mut self.up,
            To::Client => &mut self.down,
        }
    }
}

impl Relay {
    /// A relay to the server at `server`, a host and a port.
    pub fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let ways = Arc::<Ways>::default();
        let (server, accepting) = (server.to_owned(), Arc::clone(&ways));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(&server)) else {
                    continue;
                };
                accepting.join(client, server);
            }
        });
        Self { addr, ways }
    }

    /// Bytes that passed in a direction so far.
    pub fn passed(&self, to: To) -> u64 {
        self.ways.state.lock().unwrap().way(to).passed
    }

    /// Lets so many more bytes pass in a direction; none means all.
    pub fn let_pass(&self, to: To, bytes: Option<u64>) {
        let mut state = self.ways.state.lock().unwrap();
        let way = state.way(to);
        way.limit = bytes.map(|bytes| way.passed + bytes);
        self.ways.changed.notify_all();
    }

    /// Whether something waits to pass and may not.
    pub fn is_held_up(&self, to: To) -> bool {
        self.ways.state.lock().unwrap().way(to).waiting > 0
    }

    /// Breaks every connection that is open.
    pub fn cut(&self) {
        for stream in self.ways.state.lock().unwrap().open.drain(..) {
            stream.shutdown(Shutdown::Both).ok();
        }
    }
}

impl Ways {
    fn join(self: &Arc<Self>, client: TcpStream, server: TcpStream) {
        let (client_again, server_again) =
            (client.try_clone().unwrap(), server.try_clone().unwrap());
        let mut state = self.state.lock().unwrap();
        state.open.push(client.try_clone().unwrap());
        state.open.push(server.try_clone().unwrap());
        drop(state);
        let (up, down) = (Arc::clone(self), Arc::clone(self));
        std::thread::spawn(move || up.pass(client, server, To::Server));
        std::thread::spawn(move || down.pass(server_again, client_again, To::Client));
    }

    fn pass(&self, mut from: TcpStream, mut into: TcpStream, to: To) {
        let mut buffer = [0; 16 << 10];
        loop {
            let count = match from.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(count) => count,
            };
            self.wait_for_leave(to, count as u64);
            if into.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        from.shutdown(Shutdown::Both).ok();
        into.shutdown(Shutdown::Both).ok();
    }

    fn wait_for_leave(&self, to: To, bytes: u64) {
        let mut state = self.state.lock().unwrap();
        state.way(to).waiting += 1;
        loop {
            let way = state.way(to);
            if way.limit.is_none_or(|limit| way.passed + bytes <= limit) {
                break;
            }
            state = self.changed.wait(state).unwrap();
        }
        state.way(to).waiting -= 1;
        state.way(to).passed += bytes;
    }
}
