/** A pass of its own for a test: fresh state, the shipped configuration on free ports, gateway and portals running. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** A debug build on a busy machine takes this long at most. Chosen. */
const PATIENCE_MS = 60_000

/** What the shipped configuration listens on and forwards to, by the names used here. */
const PLACES = {
  internet: '[::]:8443',
  extranet: '[::]:8444',
  intranet: '[::]:8445',
  console: '[::]:8446',
  operations: '127.0.0.1:9180',
  public: '127.0.0.1:18081',
  exchange: '127.0.0.1:18082',
  staff: '127.0.0.1:18083',
}
const HOSTS = {
  internet: 'portal.gov.example',
  extranet: 'exchange.gov.example',
  intranet: 'hr.gov.example',
}

export class Pass {
  #children = []

  /** Sets a pass up and waits until it answers. */
  static async start() {
    const pass = new Pass()
    pass.folder = await mkdtemp(join(tmpdir(), 'hangu-console-'))
    try {
      await pass.#begin()
    } catch (error) {
      console.error(await pass.logs())
      await pass.stop()
      throw error
    }
    return pass
  }

  async #begin() {
    const state = join(this.folder, 'state')
    execFileSync(process.env.HANGU_BIN, ['setup', '--state', state], { stdio: ['ignore', 'ignore', 'inherit'] })
    this.samples = JSON.parse(await readFile(join(state, 'samples.json'), 'utf8'))
    const read = (name) => readFile(join(state, name))
    this.root = await read('pki/authority/root.pem')
    this.clerk = { cert: await read('pki/li.pem'), key: await read('pki/li.key') }
    this.token = (await readFile(join(state, 'zhao.token'), 'utf8')).trim()

    await mkdir(join(this.folder, 'configs'))
    await cp(join(ROOT, 'configs/policy'), join(this.folder, 'configs/policy'), { recursive: true })
    this.config = join(this.folder, 'configs/hangu.toml')
    let text = await readFile(join(ROOT, 'configs/hangu.toml'), 'utf8')
    const ports = await freePorts(Object.keys(PLACES).length)
    this.port = Object.fromEntries(Object.keys(PLACES).map((name, i) => [name, ports[i]]))
    for (const [name, place] of Object.entries(PLACES)) {
      assert.equal(text.split(`"${place}"`).length, 2, `\`${place}\` stands once in the shipped configuration`)
      text = text.replace(`"${place}"`, `"${place.replace(/\d+$/, String(this.port[name]))}"`)
    }
    await writeFile(this.config, text)

    const at = (name) => `127.0.0.1:${this.port[name]}`
    this.#run('portals', process.env.HANGU_PORTALS_BIN, [
      ...['--public', at('public'), '--exchange', at('exchange'), '--staff', at('staff'), '--records', '100'],
    ])
    this.#run('gateway', process.env.HANGU_BIN, ['run', '--config', this.config])
    this.console = `https://127.0.0.1:${this.port.console}`
    this.portal = `https://portal.gov.example:${this.port.internet}`
    await until('the gateway is ready', () => {
      const dead = this.#children.find((child) => child.exitCode !== null)
      assert.equal(dead, undefined, `${dead?.spawnfile} ended with ${dead?.exitCode}`)
      return answers(`http://${at('operations')}/readyz`)
    })
  }

  #run(name, binary, args) {
    const log = createWriteStream(join(this.folder, `${name}.log`))
    const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.pipe(log, { end: false })
    child.stderr.pipe(log, { end: false })
    this.#children.push(child)
  }

  /** What gateway and portals said. */
  async logs() {
    const read = (name) => readFile(join(this.folder, `${name}.log`), 'utf8').catch(() => '')
    return `${await read('gateway')}${await read('portals')}`
  }

  async stop() {
    for (const child of this.#children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      const force = setTimeout(() => child.kill('SIGKILL'), 15_000)
      await gone
      clearTimeout(force)
    }
    await rm(this.folder, { recursive: true, force: true })
  }

  /** Sends one request on a connection of its own, from an address of this machine that a test can have to itself. */
  async send(zone, path, { method = 'GET', headers = {}, body, from = '127.0.0.2', client = {} } = {}) {
    const request = https.request({
      host: '127.0.0.1',
      port: this.port[zone],
      servername: HOSTS[zone],
      localAddress: from,
      ca: this.root,
      ...client,
      agent: false,
      method,
      path,
      headers: { host: `${HOSTS[zone]}:${this.port[zone]}`, 'user-agent': 'Mozilla/5.0', ...headers },
      timeout: PATIENCE_MS,
    })
    request.on('timeout', () => request.destroy(new Error('no answer in time')))
    request.end(body)
    const [response] = await once(request, 'response')
    let text = ''
    for await (const piece of response.setEncoding('utf8')) text += piece
    return { status: response.statusCode, headers: response.headers, text }
  }

  /** Whether an address is shut out: a banned one is cut off before TLS. */
  async isShutOut(from) {
    try {
      await this.send('internet', '/', { from })
      return false
    } catch (error) {
      if (error.code !== 'ECONNRESET') throw error
      return true
    }
  }

  /** Tries a password at the sign-in page of the public portal. */
  guess(login, password, from) {
    return this.send('internet', '/.hangu/sign-in', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ login, password, return: '/' }).toString(),
      from,
    })
  }
}

async function freePorts(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = net.createServer().listen(0, '::')
      await once(server, 'listening')
      return server
    }),
  )
  const ports = servers.map((server) => server.address().port)
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))))
  return ports
}

function answers(url) {
  return new Promise((done) => {
    const request = http.get(url, (response) => {
      response.resume()
      done(response.statusCode === 200)
    })
    request.on('error', () => done(false))
  })
}

/** Waits for something to become true, asked ten times a second. */
export async function until(what, holds) {
  const end = Date.now() + PATIENCE_MS
  for (;;) {
    const is = await holds()
    if (is) return is
    if (Date.now() > end) throw new Error(`not within ${PATIENCE_MS / 1000} s: ${what}`)
    await new Promise((done) => setTimeout(done, 100))
  }
}
