import { mkdir, rm, writeFile } from 'node:fs/promises'
import { get as getPlain } from 'node:http'
import { get as getSecure } from 'node:https'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { execa } from 'execa'
import { base, claim, release, sweep } from './claims.ts'
import { must, type Server } from './server.ts'

export type RegistryOptions = {
  /** One of this machine's addresses, which servers reach: a rig's `controller`. */
  address: string
  port?: number
  /** With a certificate of an authority of its own; true by default. */
  tls?: boolean
  /** Names and passwords; without any, everybody may pull and push. */
  users?: Record<string, string>
  /** Those whose engines trust the authority, as this machine's does. */
  trustedBy?: Server[]
}

export type Registry = {
  /** Its address and port, as in an image's name. */
  host: string
  url: string
  /** The file of the authority's certificate, for NODE_EXTRA_CA_CERTS. */
  ca: string
  /** What it wrote: one line for each request, among others. */
  log(): string
  stop(): Promise<void>
}

/** A real registry on this machine, which keeps what it is given until `stop`. */
export async function startRegistry(options: RegistryOptions): Promise<Registry> {
  const { address, tls = true, users = {}, trustedBy = [] } = options
  await sweep()
  const host = `${address}:${options.port ?? (await freePort(address))}`
  const name = `registry-${host}`
  if (!claim(name)) throw new Error(`there is a registry at ${host} already`)
  const dir = join(base, name)
  const ca = join(dir, 'ca.crt')
  await mkdir(dir, { recursive: true })
  await writeFile(join(dir, 'htpasswd'), await htpasswd(users))
  if (tls) await makeCertificate(dir, address)
  await writeFile(join(dir, 'config.yml'), JSON.stringify(configuration(dir, host, tls, Object.keys(users).length > 0)))
  if (tls) await trust(host, ca, trustedBy)

  let log = ''
  // It ends with this process, however that ends.
  const daemon = execa('setpriv', ['--pdeathsig', 'KILL', 'docker-registry', 'serve', join(dir, 'config.yml')], {
    reject: false,
    buffer: false,
    stdin: 'ignore',
    all: true,
  })
  daemon.all.on('data', text => {
    log += text
  })
  const stop = async () => {
    daemon.kill('SIGKILL')
    await daemon
    if (tls) await distrust(host, trustedBy)
    await rm(dir, { recursive: true, force: true })
    release(name)
    await sweep()
  }
  const url = `${tls ? 'https' : 'http'}://${host}`
  if (!(await answersWithin(10_000, `${url}/v2/`))) {
    await stop()
    throw new Error(`the registry at ${host} does not answer: ${log}`)
  }
  return { host, url, ca, log: () => log, stop }
}

function configuration(dir: string, host: string, tls: boolean, guarded: boolean) {
  return {
    version: 0.1,
    log: { level: 'info' },
    storage: { filesystem: { rootdirectory: join(dir, 'data') }, delete: { enabled: true } },
    http: { addr: host, ...(tls && { tls: { certificate: join(dir, 'server.crt'), key: join(dir, 'server.key') } }) },
    ...(guarded && { auth: { htpasswd: { realm: 'registry', path: join(dir, 'htpasswd') } } }),
  }
}

async function htpasswd(users: Record<string, string>): Promise<string> {
  const lines = Object.entries(users).map(async ([user, password]) => {
    const { stdout } = await execa('htpasswd', ['-niB', '-C', '5', user], { input: password })
    return stdout.trim()
  })
  return `${(await Promise.all(lines)).join('\n')}\n`
}

async function makeCertificate(dir: string, address: string): Promise<void> {
  const openssl = (...words: string[]) => execa('openssl', words, { cwd: dir })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
    '-days',
    '2',
    '-subj',
    '/CN=Test authority',
  )
  await openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', `/CN=${address}`)
  await writeFile(join(dir, 'server.ext'), `subjectAltName = IP:${address}\nextendedKeyUsage = serverAuth\n`)
  const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'server.ext', '-days', '2']
  await openssl('x509', '-req', '-in', 'server.csr', '-out', 'server.crt', ...signed)
}

/** Docker and Podman both read the authorities in this folder, at each request. */
async function trust(host: string, ca: string, servers: Server[]): Promise<void> {
  const directory = `/etc/docker/certs.d/${host}`
  const { stdout: certificate } = await execa('cat', [ca])
  const command = `mkdir -p ${directory} && cat > ${directory}/ca.crt`
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'ca.crt'), certificate)
  await Promise.all(servers.map(server => must(server, command, { input: certificate })))
}

async function distrust(host: string, servers: Server[]): Promise<void> {
  await rm(`/etc/docker/certs.d/${host}`, { recursive: true, force: true })
  // A server may have been powered off for good.
  await Promise.allSettled(servers.map(server => server.exec(`rm -rf /etc/docker/certs.d/${host}`)))
}

function freePort(address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, address, () => {
      const bound = server.address()
      server.close(() => resolve(typeof bound === 'object' && bound ? bound.port : 0))
    })
  })
}

async function answersWithin(milliseconds: number, url: string): Promise<boolean> {
  const deadline = Date.now() + milliseconds
  while (Date.now() < deadline) {
    if (await answers(url)) return true
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return false
}

function answers(url: string): Promise<boolean> {
  return new Promise(resolve => {
    const done = () => resolve(true)
    const request = url.startsWith('https:') ? getSecure(url, { rejectUnauthorized: false }, done) : getPlain(url, done)
    request.on('error', () => resolve(false))
  })
}
