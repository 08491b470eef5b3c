import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { appendFileSync, copyFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { Secret } from '../../src/config/secret.ts'
import type { ConnectOptions } from '../../src/runner/connect-options.ts'
import { connectFleet } from '../../src/runner/fleet.ts'
import type { Connection } from '../../src/runner/runner.ts'
import { connectSsh } from '../../src/runner/ssh.ts'
import type { SshTarget } from '../../src/runner/ssh-target.ts'
import { sh } from '../../src/shell/script.ts'
import { freePort, type Home, hasSshd, makeHome, makeKey, removeHome, type Sshd, startSshd } from './sshd.ts'

let home: Home
let sshd: Sshd
const notes: string[] = []

beforeAll(async () => {
  home = makeHome()
  if (hasSshd) sshd = await startSshd(home)
})
afterAll(async () => {
  await sshd?.stop()
  removeHome(home)
})
afterEach(() => {
  rmSync(home.knownHosts, { force: true })
  rmSync(join(home.path, '.ssh/config'), { force: true })
  notes.length = 0
})

async function connect(target: SshTarget, options: ConnectOptions = {}): Promise<Connection> {
  const connection = await connectSsh(target, {
    environment: home.environment,
    warn: message => notes.push(message),
    ...options,
  })
  onTestFinished(() => connection.close())
  return connection
}

async function whoami(connection: Connection): Promise<string> {
  return (await connection.run(sh`id -un`)).stdout.trim()
}

const me = execFileSync('id', ['-un']).toString().trim()

describe('a server that is not there', () => {
  const nowhere: SshTarget = { server: 'web1', host: '127.0.0.1', keys: [], config: false, strict: false }

  test('refuses the connection', async () => {
    const port = await freePort()
    await expect(connect({ ...nowhere, port })).rejects.toMatchObject({
      code: 'server.unreachable',
      server: 'web1',
      message: `cannot reach web1 (127.0.0.1:${port}): connection refused`,
      hint: expect.stringContaining('sshd'),
    })
  })
  test('has a name that does not resolve', async () => {
    await expect(connect({ ...nowhere, host: 'no-such-host.invalid' })).rejects.toMatchObject({
      code: 'server.unreachable',
      message: expect.stringMatching(/no-such-host\.invalid (does not resolve|could not be looked up)/),
    })
  })
  test('is still the example that init wrote', async () => {
    await expect(connect({ ...nowhere, host: 'no-such-host.example.com' })).rejects.toMatchObject({
      code: 'server.unreachable',
      hint: 'no-such-host.example.com is an example: put the address of your server into deploy.yml',
    })
  })
  test.each(['-oProxyCommand=touch', 'a b', 'a;b', '$(id)', ''])('is not named %j', async host => {
    await expect(connect({ ...nowhere, host })).rejects.toMatchObject({ code: 'config.invalid' })
  })
  test('has no user named -oX', async () => {
    await expect(connect({ ...nowhere, user: '-oX' })).rejects.toMatchObject({ code: 'config.invalid' })
  })
})

describe('a port that is not sshd', () => {
  const sockets = new Set<Socket>()
  let server: Server
  let onConnection: (socket: Socket) => void
  let target: SshTarget
  beforeEach(async () => {
    server = createServer(socket => {
      sockets.add(socket.on('error', () => {}).resume())
      onConnection(socket)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    target = { server: 'web1', host: '127.0.0.1', port, keys: [], config: false, strict: false }
    return () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    }
  })

  test('and says nothing', async () => {
    onConnection = () => {}
    await expect(connect(target, { timings: { banner: 300 } })).rejects.toMatchObject({
      code: 'server.timeout',
      server: 'web1',
      message: `web1 (127.0.0.1:${target.port}) accepted the connection but sent no SSH banner in 0.3 s`,
    })
    await sleep(50)
    expect([...sockets].every(socket => socket.readableEnded)).toBe(true)
  })
  test('and answers in HTTP', async () => {
    onConnection = socket => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await expect(connect(target)).rejects.toMatchObject({
      code: 'server.unreachable',
      message: `web1 (127.0.0.1:${target.port}) does not speak SSH; it says "HTTP/1.1 400 Bad Request"`,
    })
  })
  test('and greets in another protocol, then waits', async () => {
    onConnection = socket => socket.write('220 mail ESMTP\r\n')
    await expect(connect(target, { timings: { banner: 300 } })).rejects.toMatchObject({
      code: 'server.unreachable',
      message: expect.stringContaining('"220 mail ESMTP"'),
    })
  })
  test('but has its banner and nothing more', async () => {
    onConnection = socket => socket.write('welcome\r\nSSH-2.0-Slow\r\n')
    await expect(connect(target, { timings: { banner: 300, handshake: 500 } })).rejects.toMatchObject({
      code: 'server.timeout',
      message: expect.stringContaining('did not finish key exchange and authentication in 0.5 s'),
    })
  })
  test.runIf(hasSshd)('but leads to sshd, whose banner comes byte by byte after some lines', async () => {
    onConnection = socket => {
      const upstream = dial(sshd.port, '127.0.0.1').on('error', () => {})
      socket.setNoDelay(true).on('close', () => upstream.destroy())
      socket.pipe(upstream)
      upstream.once('data', async (banner: Buffer) => {
        upstream.pause()
        for (const byte of Buffer.concat([Buffer.from('hello\r\nyou\r\n'), banner])) {
          socket.write(Buffer.of(byte))
          await sleep(2)
        }
        upstream.pipe(socket)
      })
    }
    const through = { ...sshd.target(), ...(target.port ? { port: target.port } : {}) }
    expect(await whoami(await connect(through, { timings: { handshake: 30_000 } }))).toBe(me)
  })
  test('and hangs up, however often', async () => {
    let tries = 0
    onConnection = socket => {
      tries += 1
      socket.end()
    }
    await expect(connect(target, { timings: { retries: [10, 20] } })).rejects.toMatchObject({
      code: 'server.refused',
      message: expect.stringContaining('dropped the connection before the SSH handshake, 3 times'),
      hint: expect.stringContaining('MaxStartups'),
    })
    expect(tries).toBe(3)
  })
  test('and says that there are too many', async () => {
    onConnection = socket => socket.end('Exceeded MaxStartups\r\n')
    await expect(connect(target, { timings: { retries: [10] } })).rejects.toMatchObject({
      code: 'server.refused',
      message: expect.stringContaining('Exceeded MaxStartups'),
    })
  })
  test('can be given up at any time', async () => {
    onConnection = () => {}
    const controller = new AbortController()
    setTimeout(() => controller.abort(new Error('ctrl-c')), 50)
    await expect(connect(target, { signal: controller.signal })).rejects.toThrow('ctrl-c')
  })
})

describe.skipIf(!hasSshd)('a host key', () => {
  test('that is not known is recorded once, in a file that nobody else can read', async () => {
    await connect(sshd.target())
    expect(notes).toEqual([expect.stringContaining(fingerprintOf(`${sshd.hostKey}.pub`))])
    await connect(sshd.target())
    expect(notes.length).toBe(1)
    expect(readFileSync(home.knownHosts, 'utf8')).toBe(`[127.0.0.1]:${sshd.port} ${publicKey(sshd)}\n`)
    expect(statSync(home.knownHosts).mode & 0o777).toBe(0o600)
    expect(execFileSync('ssh-keygen', ['-F', `[127.0.0.1]:${sshd.port}`, '-f', home.knownHosts]).toString()).toContain(
      'line 1',
    )
  })
  test('is recorded hashed, and the file is mended, when it says so', async () => {
    writeFileSync(join(home.path, '.ssh/config'), 'HashKnownHosts yes\n')
    writeFileSync(home.knownHosts, '# no newline')
    await connect(sshd.target({ config: true }))
    expect(readFileSync(home.knownHosts, 'utf8')).toMatch(/^# no newline\n\|1\|[^ ]+ ssh-ed25519 [^ ]+\n$/)
    await connect(sshd.target({ config: true, strict: true }))
  })
  test('that several connections meet at once is recorded by one', async () => {
    await Promise.all([1, 2, 3].map(() => connect(sshd.target())))
    expect(readFileSync(home.knownHosts, 'utf8').trim().split('\n').length).toBe(1)
  })
  test('that is not known is refused by `strict`, with the command that adds it', async () => {
    const error = await connect(sshd.target({ strict: true })).catch(error => error)
    expect(error).toMatchObject({ code: 'server.host-key', server: 'web1' })
    expect(error.message).toContain(fingerprintOf(`${sshd.hostKey}.pub`))
    const command = error.hint.split('\n')[1].replace('~', home.path)
    execFileSync('sh', ['-c', command])
    await connect(sshd.target({ strict: true }))
  })
  test('that is not known is refused by StrictHostKeyChecking', async () => {
    writeFileSync(join(home.path, '.ssh/config'), 'StrictHostKeyChecking yes\n')
    await expect(connect(sshd.target({ config: true }))).rejects.toMatchObject({ code: 'server.host-key' })
  })
  test('that has changed is refused, with both fingerprints, the line and a way out', async () => {
    const old = join(home.path, 'old')
    rmSync(old, { force: true })
    rmSync(`${old}.pub`, { force: true })
    makeKey(old)
    writeFileSync(home.knownHosts, `# one\n[127.0.0.1]:${sshd.port} ${readFileSync(`${old}.pub`, 'utf8')}`)
    const error = await connect(sshd.target()).catch(error => error)
    expect(error).toMatchObject({ code: 'server.host-key', server: 'web1' })
    expect(error.message).toContain(fingerprintOf(`${old}.pub`))
    expect(error.message).toContain(fingerprintOf(`${sshd.hostKey}.pub`))
    expect(error.message).toContain(`${home.knownHosts}:2`)
    execFileSync('sh', ['-c', error.hint.split('\n')[1]], { stdio: 'ignore' })
    await connect(sshd.target())
  })
  test('of a type that the server no longer has counts as changed', async () => {
    const ecdsa = join(home.path, 'ecdsa')
    makeKey(ecdsa, { type: 'ecdsa' })
    writeFileSync(home.knownHosts, `[127.0.0.1]:${sshd.port} ${readFileSync(`${ecdsa}.pub`, 'utf8')}`)
    await expect(connect(sshd.target())).rejects.toMatchObject({
      code: 'server.host-key',
      message: /ecdsa-sha2-nistp256/,
    })
  })
  test('of the known type is asked for, where the server has several', async () => {
    const second = join(home.path, 'second')
    makeKey(second, { type: 'rsa' })
    const both = await startSshd(home, [`HostKey ${second}`])
    onTestFinished(both.stop)
    writeFileSync(home.knownHosts, `[127.0.0.1]:${both.port} ${readFileSync(`${second}.pub`, 'utf8')}`)
    await connect(both.target({ strict: true }))
  })
  test('is told to whoever wants to know where the server was reached', async () => {
    const { address } = await connect(sshd.target())
    const key = fingerprintOf(home.key)
    expect(address).toEqual({ user: me, host: '127.0.0.1', port: sshd.port, hostKey: publicKey(sshd), key })
  })
  test('that is known for the host without its port will do, as it does for ssh', async () => {
    writeFileSync(home.knownHosts, `127.0.0.1 ${publicKey(sshd)}\n`)
    await connect(sshd.target({ strict: true }))
    expect(notes).toEqual([])
  })
  test('that is revoked is refused', async () => {
    writeFileSync(home.knownHosts, `@revoked * ${publicKey(sshd)}\n`)
    await expect(connect(sshd.target())).rejects.toMatchObject({ code: 'server.host-key', message: /revoked/ })
  })
  test.each([
    ['as lines', (pub: string, file: string) => copyFileSync(pub, file)],
    ['as ssh-keygen packs them', (pub: string, file: string) => execFileSync('ssh-keygen', ['-qkf', file, pub])],
  ])('that is among RevokedHostKeys is refused, also when it is known: %s', async (_, write) => {
    const revoked = join(home.path, '.ssh/revoked')
    onTestFinished(() => rmSync(revoked, { force: true }))
    writeFileSync(join(home.path, '.ssh/config'), 'RevokedHostKeys ~/.ssh/revoked\n')
    writeFileSync(home.knownHosts, `[127.0.0.1]:${sshd.port} ${publicKey(sshd)}\n`)
    write(`${home.key}.pub`, revoked)
    await connect(sshd.target({ config: true }))
    rmSync(revoked)
    await expect(connect(sshd.target({ config: true }))).rejects.toMatchObject({
      code: 'server.host-key',
      message: expect.stringContaining('cannot be known: ENOENT'),
    })
    write(`${sshd.hostKey}.pub`, revoked)
    await expect(connect(sshd.target({ config: true }))).rejects.toMatchObject({
      code: 'server.host-key',
      message: expect.stringContaining(`${revoked} declares revoked`),
    })
  })
  test('that somebody else vouches for is not accepted at first sight, but when it is known', async () => {
    const authority = `@cert-authority [127.0.0.1]:* ${readFileSync(`${home.key}.pub`, 'utf8')}`
    writeFileSync(home.knownHosts, authority)
    const error = await connect(sshd.target()).catch(error => error)
    expect(error).toMatchObject({ code: 'server.host-key', message: /known_hosts:1 names an authority/ })
    execFileSync('sh', ['-c', error.hint.split('\n')[1]])
    await connect(sshd.target())

    rmSync(home.knownHosts)
    writeFileSync(join(home.path, '.ssh/config'), 'KnownHostsCommand /bin/true %H\n')
    await expect(connect(sshd.target({ config: true }))).rejects.toMatchObject({ message: /a KnownHostsCommand/ })
  })
  test('is recorded also when the server then refuses the user, as ssh does', async () => {
    const other = await startSshd(home, ['DenyUsers *'])
    onTestFinished(other.stop)
    await expect(connect(other.target())).rejects.toMatchObject({ code: 'server.refused' })
    expect(readFileSync(home.knownHosts, 'utf8')).toContain(`:${other.port}`)
  })
  test('is looked for under its HostKeyAlias', async () => {
    writeFileSync(join(home.path, '.ssh/config'), 'HostKeyAlias fleet\n')
    writeFileSync(home.knownHosts, `fleet ${publicKey(sshd)}\n`)
    await connect(sshd.target({ config: true, strict: true }))
  })
})

describe.skipIf(!hasSshd)('authentication', () => {
  let wrong: string
  let encrypted: string
  beforeAll(() => {
    wrong = join(home.path, 'wrong')
    makeKey(wrong)
    encrypted = join(home.path, 'encrypted')
    copyFileSync(home.key, encrypted)
    copyFileSync(`${home.key}.pub`, `${encrypted}.pub`)
    execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'geheim', '-f', encrypted])
  })

  test('by the key in the configuration', async () => {
    const connection = await connect(sshd.target({ keys: [wrong, home.key] }))
    expect(await whoami(connection)).toBe(me)
  })
  test('by the text of a key, also when its newlines have suffered', async () => {
    const text = readFileSync(home.key, 'utf8')
    for (const pem of [text, text.trim(), text.replaceAll('\n', '\r\n')])
      await connect(sshd.target({ keys: [new Secret('DEPLOY_KEY', pem)] }))
  })
  test('by ~/.ssh/id_ed25519', async () => {
    copyFileSync(home.key, join(home.path, '.ssh/id_ed25519'))
    onTestFinished(() => rmSync(join(home.path, '.ssh/id_ed25519')))
    await connect(sshd.target({ keys: [] }))
  })
  test('by ~ in a key of the configuration', async () => {
    await connect(sshd.target({ keys: ['~/key'] }))
  })
  test('by an rsa key', async () => {
    const rsa = join(home.path, 'rsa')
    makeKey(rsa, { type: 'rsa' })
    const before = readFileSync(`${home.key}.pub`)
    appendFileSync(`${home.key}.pub`, readFileSync(`${rsa}.pub`))
    onTestFinished(() => writeFileSync(`${home.key}.pub`, before))
    await connect(sshd.target({ keys: [rsa] }))
  })
  test('by a wrong key is refused, and the message says who and by what', async () => {
    await expect(connect(sshd.target({ keys: [wrong] }))).rejects.toMatchObject({
      code: 'server.refused',
      server: 'web1',
      message: `web1 (127.0.0.1:${sshd.port}) refused the user ${me}: it accepted none of what was offered: ${wrong}`,
      hint: expect.stringContaining(`~${me}/.ssh/authorized_keys`),
    })
  })
  test('without any key is refused', async () => {
    await expect(connect(sshd.target({ keys: [] }))).rejects.toMatchObject({
      code: 'server.refused',
      message: expect.stringContaining('there was no key to offer'),
    })
  })
  test('by what cannot be used is refused, and the hint says why', async () => {
    const keys = [encrypted, '/no/such/key', new Secret('DEPLOY_KEY', 'nonsense'), `${home.key}.pub`]
    const error = await connect(sshd.target({ keys })).catch(error => error)
    expect(error).toMatchObject({ code: 'server.refused', message: expect.stringContaining('no key to offer') })
    expect(error.hint).toContain(`${encrypted} (encrypted: add it to your ssh agent)`)
    expect(error.hint).toContain('/no/such/key (cannot be read)')
    expect(error.hint).toMatch(/\[DEPLOY_KEY\] \(.+\)/)
    expect(error.hint).toContain('key.pub (not a private key)')
    expect(error.hint).not.toContain('nonsense')
  })
  test('after which the server has had enough', async () => {
    const strict = await startSshd(home, ['MaxAuthTries 1'])
    onTestFinished(strict.stop)
    await expect(connect(strict.target({ keys: [wrong, home.key] }))).rejects.toMatchObject({
      code: 'server.refused',
      message: expect.stringContaining('too many keys were offered'),
      hint: expect.stringContaining('IdentitiesOnly'),
    })
  })
  test('where keys do not count is refused, and the hint says what does', async () => {
    const other = await startSshd(home, [
      'PubkeyAuthentication no',
      'KbdInteractiveAuthentication no',
      'HostbasedAuthentication yes',
    ])
    onTestFinished(other.stop)
    await expect(connect(other.target())).rejects.toMatchObject({
      code: 'server.refused',
      hint: expect.stringContaining('the server accepts only hostbased'),
    })
  })
  test('as another user', async () => {
    await expect(connect(sshd.target({ user: 'nobody-here' }))).rejects.toMatchObject({
      message: /refused the user nobody-here/,
    })
  })

  describe.skipIf(spawnSync('ssh-agent', ['-h']).error)('by an agent', () => {
    let environment: Home['environment']
    let agent: ReturnType<typeof spawn>
    beforeAll(async () => {
      const socket = join(home.path, 'agent.sock')
      agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
      environment = { ...home.environment, SSH_AUTH_SOCK: socket }
      for (let tries = 0; tries < 100 && add(wrong) !== 0; tries += 1) await sleep(20)
      add(home.key)
    })
    afterAll(() => void agent.kill())

    test('which has it among others', async () => {
      const { address } = await connect(sshd.target({ keys: [] }), { environment })
      expect(address.key).toBe(fingerprintOf(home.key))
    })
    test('which has the key whose file is encrypted', async () => {
      await connect(sshd.target({ keys: [encrypted] }), { environment })
    })
    test('which IdentityAgent names', async () => {
      writeFileSync(join(home.path, '.ssh/config'), 'IdentityAgent ~/agent.sock\n')
      await connect(sshd.target({ keys: [], config: true }))
    })
    test('but not when IdentityAgent is none', async () => {
      writeFileSync(join(home.path, '.ssh/config'), 'IdentityAgent none\n')
      await expect(connect(sshd.target({ keys: [], config: true }), { environment })).rejects.toMatchObject({
        message: /no key/,
      })
    })
    test('but only the keys of IdentityFile when IdentitiesOnly', async () => {
      writeFileSync(join(home.path, '.ssh/config'), `IdentitiesOnly yes\nIdentityFile ${wrong}\n`)
      const refused = connect(sshd.target({ keys: [], config: true }), { environment })
      await expect(refused).rejects.toMatchObject({ code: 'server.refused', message: /\(1 key\)$/ })
    })
    test('and the key that a file names comes first, before the server has had enough', async () => {
      const strict = await startSshd(home, ['MaxAuthTries 1'])
      onTestFinished(strict.stop)
      await connect(strict.target({ keys: [encrypted] }), { environment })
    })
    test('that is not there, and then by a file', async () => {
      copyFileSync(home.key, join(home.path, '.ssh/id_ed25519'))
      onTestFinished(() => rmSync(join(home.path, '.ssh/id_ed25519')))
      const gone = { ...home.environment, SSH_AUTH_SOCK: '/no/such/agent' }
      await connect(sshd.target({ keys: [] }), { environment: gone })
    })
    test('that is not there, and nothing else', async () => {
      const gone = { ...home.environment, SSH_AUTH_SOCK: '/no/such/agent' }
      await expect(connect(sshd.target({ keys: [] }), { environment: gone })).rejects.toMatchObject({
        hint: expect.stringContaining('the ssh agent at /no/such/agent (Failed to connect to agent)'),
      })
    })

    function add(key: string): number | null {
      return spawnSync('ssh-add', ['-q', key], { env: environment, stdio: 'ignore' }).status
    }
  })
})

describe.skipIf(!hasSshd)('the way to a server', () => {
  let bastion: Sshd
  beforeAll(async () => {
    bastion = await startSshd(home)
  })
  afterAll(() => bastion.stop())

  test('by an alias in ~/.ssh/config, with Include and Match', async () => {
    writeFileSync(
      join(home.path, 'included'),
      `Host web\n  HostName 127.0.0.1\nMatch host 127.0.0.1 user ${me}\n  Port ${sshd.port}\n`,
    )
    writeFileSync(join(home.path, '.ssh/config'), `Include ${home.path}/included\n`)
    const connection = await connect({ server: 'web1', host: 'web', keys: [home.key], config: true, strict: false })
    expect(await whoami(connection)).toBe(me)
  })
  test('over a jump host, each with its own host key', async () => {
    const connection = await connect(sshd.target({ proxy: `${me}@127.0.0.1:${bastion.port}` }))
    expect(await whoami(connection)).toBe(me)
    expect(readFileSync(home.knownHosts, 'utf8')).toContain(`:${bastion.port} `)
    expect(readFileSync(home.knownHosts, 'utf8')).toContain(`:${sshd.port} `)
    expect(bastion.log()).toContain(`Accepted publickey for ${me}`)
  })
  test('over two jump hosts, named in ~/.ssh/config', async () => {
    const second = await startSshd(home)
    onTestFinished(second.stop)
    writeFileSync(
      join(home.path, '.ssh/config'),
      `Host b1\n  HostName 127.0.0.1\n  Port ${bastion.port}\nHost b2\n  HostName 127.0.0.1\n  Port ${second.port}\n` +
        `Host web\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  ProxyJump b1,b2\n`,
    )
    const connection = await connect({ server: 'web1', host: 'web', keys: [home.key], config: true, strict: false })
    expect(await whoami(connection)).toBe(me)
    await connection.close()
    expect(second.log()).toContain('Accepted publickey')
  })
  test('over a jump host that `Host *` names also for itself', async () => {
    writeFileSync(
      join(home.path, '.ssh/config'),
      `Host bastion\n  HostName 127.0.0.1\n  Port ${bastion.port}\nHost *\n  ProxyJump bastion\n`,
    )
    const connection = await connect(sshd.target({ config: true }))
    expect(await whoami(connection)).toBe(me)
  })
  test('over jump hosts in a circle', async () => {
    writeFileSync(join(home.path, '.ssh/config'), 'Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n')
    await expect(connect({ server: 'web1', host: 'a', keys: [], config: true, strict: false })).rejects.toMatchObject({
      code: 'config.invalid',
      message: expect.stringContaining('circle'),
    })
  })
  test('over a jump host whose key has changed', async () => {
    writeFileSync(home.knownHosts, `[127.0.0.1]:${bastion.port} ${publicKey(sshd)}\n`)
    await expect(connect(sshd.target({ proxy: `127.0.0.1:${bastion.port}` }))).rejects.toMatchObject({
      code: 'server.host-key',
      server: 'web1',
      message: expect.stringContaining(`the jump host 127.0.0.1:${bastion.port}`),
    })
  })
  test('over a jump host that cannot reach it', async () => {
    const port = await freePort()
    await expect(connect(sshd.target({ port, proxy: `127.0.0.1:${bastion.port}` }))).rejects.toMatchObject({
      code: 'server.unreachable',
      message: `cannot reach web1 (127.0.0.1:${port}) from the jump host 127.0.0.1:${bastion.port}: Connection refused`,
    })
  })
  test('over a jump host that may not forward', async () => {
    const closed = await startSshd(home, ['AllowTcpForwarding no'])
    onTestFinished(closed.stop)
    await expect(connect(sshd.target({ proxy: `127.0.0.1:${closed.port}` }))).rejects.toMatchObject({
      code: 'server.unreachable',
      hint: expect.stringContaining('AllowTcpForwarding'),
    })
  })
  test('over one jump host is shared by a fleet, until its last connection is closed', async () => {
    const before = logins(bastion)
    const { runners, failures } = await connectFleet(
      Array.from({ length: 12 }, (_, index) => ({
        kind: 'ssh',
        ...sshd.target({ server: `web${index}`, proxy: `127.0.0.1:${bastion.port}` }),
      })),
      { environment: home.environment, timings: { retries: [200, 400, 800] } },
    )
    onTestFinished(() => Promise.all([...runners.values()].map(runner => runner.close())).then(() => {}))
    expect(failures).toEqual([])
    expect(logins(bastion) - before).toBe(1)
    const [first, ...others] = runners.values()
    await first?.close()
    for (const runner of others) expect((await runner.run(sh`echo up`)).stdout).toBe('up\n')
  })
  test('over one jump host that is not there is a failure of each server', async () => {
    const proxy = `127.0.0.1:${await freePort()}`
    const places = ['web1', 'web2'].map(server => ({ kind: 'ssh' as const, ...sshd.target({ server, proxy }) }))
    const { failures } = await connectFleet(places, { environment: home.environment })
    expect(failures.map(({ code, server }) => [code, server])).toEqual([
      ['server.unreachable', 'web1'],
      ['server.unreachable', 'web2'],
    ])
  })
  test('through a ProxyCommand', async () => {
    writeFileSync(
      join(home.path, '.ssh/config'),
      `Host *\n  ProxyCommand ${process.execPath} -e "const s=require('net').connect(%p,'%h');process.stdin.pipe(s).pipe(process.stdout)"\n`,
    )
    const connection = await connect(sshd.target({ config: true }))
    expect(await whoami(connection)).toBe(me)
    expect((await connection.run(sh`head -c 3000000 /dev/zero`)).stdout.length).toBe(3_000_000)
  })
  test('through a ProxyCommand that fails', async () => {
    writeFileSync(join(home.path, '.ssh/config'), 'Host *\n  ProxyCommand sh -c "echo no gateway >&2; exit 1"\n')
    await expect(connect(sshd.target({ config: true }), { timings: { retries: [10] } })).rejects.toMatchObject({
      code: 'server.unreachable',
      message: expect.stringContaining('through its ProxyCommand: no gateway'),
    })
  })
  test('through a ProxyCommand that says nothing', async () => {
    writeFileSync(join(home.path, '.ssh/config'), 'Host *\n  ProxyCommand sleep 30\n')
    await expect(connect(sshd.target({ config: true }), { timings: { banner: 300 } })).rejects.toMatchObject({
      code: 'server.timeout',
    })
  })
})

describe.skipIf(!hasSshd)('a busy server', () => {
  test('drops connections beyond MaxStartups, which are tried again', async () => {
    const busy = await startSshd(home, ['MaxStartups 2', 'LoginGraceTime 10'])
    onTestFinished(busy.stop)
    const connections = await Promise.all(
      Array.from({ length: 8 }, () => connect(busy.target(), { timings: { retries: [200, 400, 800, 1600] } })),
    )
    expect(await Promise.all(connections.map(whoami))).toEqual(Array(8).fill(me))
    expect(busy.log()).toMatch(/MaxStartups|drop connection/i)
  })
})

describe.skipIf(!hasSshd)('thirty servers behind a host that takes few logins at once', { timeout: 60_000 }, () => {
  let bastion: Sshd
  let inside: Sshd
  beforeAll(async () => {
    bastion = await startSshd(home, ['MaxStartups 3:50:10'])
    inside = await startSshd(home, ['MaxStartups 100'])
  })
  afterAll(() => Promise.all([bastion.stop(), inside.stop()]).then(() => {}))

  async function connectAll(more: Partial<SshTarget>): Promise<void> {
    const places = Array.from({ length: 30 }, (_, index) => ({
      kind: 'ssh' as const,
      ...inside.target({ server: `web${index + 1}`, ...more }),
    }))
    const { runners, failures } = await connectFleet(places, { environment: home.environment })
    onTestFinished(() => Promise.all([...runners.values()].map(runner => runner.close())).then(() => {}))
    expect(failures.map(({ message }) => message)).toEqual([])
    const outputs = await Promise.all([...runners.values()].map(runner => runner.run(sh`echo up`)))
    expect(outputs.map(({ stdout }) => stdout)).toEqual(Array(30).fill('up\n'))
  }

  test('are reached over one login where it is a jump host', async () => {
    const before = logins(bastion)
    await connectAll({ proxy: `127.0.0.1:${bastion.port}` })
    expect(logins(bastion) - before).toBe(1)
  })
  test('are reached over a login each where it is in a ProxyCommand: those that are dropped try again', async () => {
    const ssh = `ssh -i ${home.key} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null`
    writeFileSync(
      join(home.path, '.ssh/config'),
      `Host *\n  ProxyCommand ${ssh} -p ${bastion.port} -W %h:%p 127.0.0.1\n`,
    )
    const before = logins(bastion)
    await connectAll({ config: true })
    expect(logins(bastion) - before).toBe(30)
    expect(bastion.log()).toMatch(/MaxStartups|drop connection/i)
  })
})

function logins(server: Sshd): number {
  return server.log().split('Accepted publickey').length - 1
}

function publicKey({ hostKey }: Sshd): string {
  return readFileSync(`${hostKey}.pub`, 'utf8').trim().split(' ').slice(0, 2).join(' ')
}

function fingerprintOf(file: string): string {
  return execFileSync('ssh-keygen', ['-lf', file]).toString().split(' ')[1] ?? ''
}
