/** A stage for tests with a real server, real devices and browsers' sessions: one process each. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What a command printed and how it ended. */
export interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The program: HYTHE_BINARY names it, or it is where cargo puts it. */
export function program(): string {
  const top = fileURLToPath(new URL('../../', import.meta.url));
  const target = process.env['CARGO_TARGET_DIR'] ?? join(top, 'target');
  const places = [process.env['HYTHE_BINARY'], join(target, 'debug/hythe'), join(target, 'release/hythe')];
  const found = places.find((place) => place !== undefined && existsSync(place));
  if (found === undefined) {
    throw new Error('there is no program: `cargo build --package hythe-cli`, or name one in HYTHE_BINARY');
  }
  return found;
}

/** A server with data of its own, gone when it is stopped. */
export class Stage {
  readonly url: string;
  readonly #place: string;
  readonly #server: ChildProcess;

  private constructor(place: string, server: ChildProcess, url: string) {
    this.#place = place;
    this.#server = server;
    this.url = url;
  }

  /** Starts a server; returns when it serves. */
  static async start(...options: readonly string[]): Promise<Stage> {
    const place = mkdtempSync(join(tmpdir(), 'hythe-web-'));
    const where = ['--data', join(place, 'data'), '--listen', '127.0.0.1:0'];
    const server = spawn(program(), ['serve', ...where, ...options], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: environment(place),
    });
    for await (const line of createInterface({ input: server.stdout })) {
      if (line.startsWith('ready ')) return new Stage(place, server, line.slice('ready '.length).trim());
    }
    throw new Error('the server ended before it served');
  }

  /** Stops the server and removes everything. */
  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#server.once('exit', resolve));
    this.#server.kill();
    await ended;
    rmSync(this.#place, { recursive: true, force: true });
  }

  /** A new invite's URL. */
  async invite(): Promise<string> {
    const said = await this.run('admin', ['admin', 'invite', '--data', join(this.#place, 'data')]);
    const url = /https:\S+/.exec(said.out)?.[0];
    if (url === undefined) throw new Error(`no invite: ${said.out}${said.err}`);
    return url;
  }

  /** Runs a command with a home by name; what it asks for is in `typed`, line by line. */
  run(home: string, args: readonly string[], typed: readonly string[] = []): Promise<Said> {
    return this.begin(home, args, typed).said;
  }

  /** As `run`, and its standard error can be read while it runs. */
  begin(
    home: string,
    args: readonly string[],
    typed: readonly string[] = [],
  ): { child: ChildProcess; said: Promise<Said> } {
    const env = { ...environment(this.#place), HYTHE_HOME: join(this.#place, `home-${home}`) };
    let child!: ChildProcess;
    const said = new Promise<Said>((resolve) => {
      child = execFile(program(), [...args], { env }, (_, out, err) => {
        resolve({ code: child.exitCode, out, err });
      });
    });
    child.stdin?.end(typed.map((line) => `${line}\n`).join(''));
    return { child, said };
  }
}

function environment(place: string): NodeJS.ProcessEnv {
  const own = { HYTHE_LOG: 'warn', XDG_STATE_HOME: join(place, 'state') };
  return { PATH: process.env['PATH'], HOME: place, USER: 'somebody', ...own };
}
