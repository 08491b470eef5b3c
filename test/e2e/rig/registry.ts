import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { get as getPlain } from 'node:http'
import { get as getSecure } from 'node:https'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { execa } from 'execa'
import { base, claim, release, sweep } from './claims.ts'
import { must, type Server } from './server.ts'
import { startTokenServer, type TokenOptions, type TokenServer } from './token-server.ts'

export type RegistryOptions = {
  /** One of this machine's addresses, which servers reach: a rig's `controller`. */
  address: string
  port?: number
  /** What the servers that trust it call it, such as ghcr.io, by a line of their /etc/hosts; without it, its address. */
  name?: string
  /** With a certificate of an authority of its own; true by default. */
  tls?: boolean
  /** Names and passwords; without any, everybody may pull and push. */
  users?: Record<string, string>
  /** With a token server of its own, at the same address and with a certificate of the same authority; instead of `users`. */
  tokens?: TokenOptions
  /** Those whose engines trust the authority, as this machine's does. */
  trustedBy?: Server[]
}

export type Registry = {
  /** Its name or address, and its port, as in an image's name. */
  host: string
  url: string
  /** The file of the authority's certificate, for NODE_EXTRA_CA_CERTS. */
  ca: string
  /** What it wrote: one line for each request, among others. */
  log(): string
  /** What its token server was asked, one line for each request: who, and the scopes. */
  tokenLog(): string
  stop(): Promise<void>
}

/** A real registry on this machine, which keeps what it is given until `stop`. */
export async function startRegistry(options: RegistryOptions): Promise<Registry> {
  const { address, tls = true, users = {}, trustedBy = [], tokens } = options
  if (tokens && !tls) throw new Error('a token server needs tls')
  await sweep()
  const listensAt = `${address}:${options.port ?? (await freePort(address))}`
  const host = options.name ? listensAt.replace(address, options.name).replace(/:443$/, '') : listensAt
  const claimed = `registry-${listensAt}`
  if (!claim(claimed)) throw new Error(`there is a registry at ${listensAt} already`)
  const dir = join(base, claimed)
  const ca = join(dir, 'ca.crt')
  await mkdir(dir, { recursive: true })
  await writeFile(join(dir, 'htpasswd'), await htpasswd(users))
  if (tls) await makeCertificate(dir, address, options.name)
  const tokenServer =
    tokens && (await startTokenServer({ ...tokens, ...(await tokenFiles(dir)), address, service: host }))
  const auth = tokenServer ? { token: tokenAuth(dir, host, tokenServer) } : htpasswdAuth(dir, users)
  await writeFile(join(dir, 'config.yml'), JSON.stringify(configuration(dir, listensAt, tls, auth)))
  const isTrustedHere = options.name === undefined // to this machine a name still means whoever really has it
  if (tls) await trust(host, ca, trustedBy, isTrustedHere)

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
    await tokenServer?.stop()
    if (tls) await distrust(host, trustedBy, isTrustedHere)
    await rm(dir, { recursive: true, force: true })
    release(claimed)
    await sweep()
  }
  const url = `${tls ? 'https' : 'http'}://${listensAt}`
  if (!(await answersWithin(10_000, `${url}/v2/`))) {
    await stop()
    throw new Error(`the registry at ${listensAt} does not answer: ${log}`)
  }
  return { host, url, ca, log: () => log, tokenLog: () => tokenServer?.log() ?? '', stop }
}

function configuration(dir: string, listensAt: string, tls: boolean, auth: object) {
  return {
    version: 0.1,
    log: { level: 'info' },
    storage: { filesystem: { rootdirectory: join(dir, 'data') }, delete: { enabled: true } },
    http: {
      addr: listensAt,
      ...(tls && { tls: { certificate: join(dir, 'server.crt'), key: join(dir, 'server.key') } }),
    },
    auth,
  }
}

function htpasswdAuth(dir: string, users: Record<string, string>) {
  return Object.keys(users).length > 0 ? { htpasswd: { realm: 'registry', path: join(dir, 'htpasswd') } } : {}
}

function tokenAuth(dir: string, host: string, { realm, issuer }: TokenServer) {
  return { realm, issuer, service: host, rootcertbundle: join(dir, 'ca.crt') }
}

async function htpasswd(users: Record<string, string>): Promise<string> {
  const lines = Object.entries(users).map(async ([user, password]) => {
    const { stdout } = await execa('htpasswd', ['-niB', '-C', '5', user], { input: password })
    return stdout.trim()
  })
  return `${(await Promise.all(lines)).join('\n')}\n`
}

async function makeCertificate(dir: string, address: string, name: string | undefined): Promise<void> {
  const authority = ['-keyout', 'ca.key', '-out', 'ca.crt', '-days', '2', '-subj', '/CN=Test authority']
  await openssl(dir, 'req', '-x509', ...ellipticKey, ...authority)
  const names = [`IP:${address}`, ...(name ? [`DNS:${name}`] : [])].join()
  await sign(dir, 'server', address, ellipticKey, `subjectAltName = ${names}\nextendedKeyUsage = serverAuth\n`)
}

const ellipticKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

/** The certificate that tokens are signed with, of the same authority, beside the one for TLS. */
async function tokenFiles(dir: string) {
  await sign(dir, 'token', 'Test tokens', ['-newkey', 'rsa:2048', '-nodes'], 'keyUsage = digitalSignature\n')
  const read = (name: string) => readFile(join(dir, name), 'utf8')
  const [key, certificate, signingKey, signingCertificate] = await Promise.all(
    ['server.key', 'server.crt', 'token.key', 'token.crt'].map(read),
  )
  return { tls: { key, cert: certificate }, signing: { key: signingKey ?? '', certificate: signingCertificate ?? '' } }
}

async function sign(dir: string, name: string, subject: string, key: string[], extensions: string): Promise<void> {
  await openssl(dir, 'req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${subject}`)
  await writeFile(join(dir, `${name}.ext`), extensions)
  const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', `${name}.ext`, '-days', '2']
  await openssl(dir, 'x509', '-req', '-in', `${name}.csr`, '-out', `${name}.crt`, ...signed)
}

async function openssl(dir: string, ...words: string[]): Promise<void> {
  await execa('openssl', words, { cwd: dir })
}

/** Docker and Podman both read the authorities in this folder, at each request. */
async function trust(host: string, ca: string, servers: Server[], isTrustedHere: boolean): Promise<void> {
  const directory = `/etc/docker/certs.d/${host}`
  const { stdout: certificate } = await execa('cat', [ca])
  const command = `mkdir -p ${directory} && cat > ${directory}/ca.crt`
  if (isTrustedHere) {
    await mkdir(directory, { recursive: true })
    await writeFile(join(directory, 'ca.crt'), certificate)
  }
  await Promise.all(servers.map(server => must(server, command, { input: certificate })))
}

async function distrust(host: string, servers: Server[], isTrustedHere: boolean): Promise<void> {
  if (isTrustedHere) await rm(`/etc/docker/certs.d/${host}`, { recursive: true, force: true })
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
