import type { Duplex } from 'node:stream'
import type { Config } from '../config/config.ts'
import type { Secrets } from '../config/secrets.ts'
import { JijiError } from '../errors.ts'
import { checkLogin } from '../registry/check.ts'
import { loginFor } from '../registry/credentials.ts'
import { readOnly } from '../registry/read-only.ts'
import { engineFailure, lastLine } from '../runner/engine-failure.ts'
import { type Connection, canTunnel, type Runner } from '../runner/runner.ts'
import { type Pull, pullImages } from '../shell/images.ts'
import type { Digests } from './build.ts'
import { type Report, reported } from './event.ts'
import { limits } from './limits.ts'
import type { ServerPlan } from './plan.ts'

type PullContext = { config: Config; secrets: Secrets; report: Report; signal: AbortSignal }

/**
 * Gets the images of a plan to one server, by the digests that were pushed. With a local registry, through a tunnel
 * that exists only meanwhile.
 * @returns the digests as the server knows them
 */
export async function pullOn(
  context: PullContext,
  runner: Runner,
  plan: ServerPlan,
  digests: Digests,
): Promise<Digests> {
  const { registry } = context.config.builder
  if (plan.replacements.length === 0) return new Map()
  const isBuilt = plan.replacements.some(({ service }) => digests.has(service))
  if (registry.type !== 'local' || !isBuilt) return pull(context, runner, plan, digests, undefined)
  if (!canTunnel(runner)) return pull(context, runner, plan, digests, `localhost:${registry.port}`)
  return withTunnel(context, runner, registry.port, port => pull(context, runner, plan, digests, `127.0.0.1:${port}`))
}

async function withTunnel<T>(
  context: PullContext,
  connection: Connection,
  port: number,
  fn: (port: number) => Promise<T>,
): Promise<T> {
  const { server } = connection
  const target = { host: '127.0.0.1', port, guard: readOnly }
  const tunnel = await connection.forward(port, target).catch(() => connection.forward(0, target))
  context.report({
    step: 'tunnel',
    state: 'done',
    server,
    detail: `127.0.0.1:${tunnel.port} there is the registry here`,
  })
  try {
    await checkTunnel(connection, tunnel.port)
    return await fn(tunnel.port)
  } finally {
    await tunnel.close()
  }
}

/**
 * The server itself must get the registry's answer, or a pull would take what else listens there. A server that
 * forbids connections from its sshd is not asked: the digest proves the rest.
 */
async function checkTunnel(connection: Connection, port: number): Promise<void> {
  let stream: Duplex
  try {
    stream = await connection.dial('127.0.0.1', port)
  } catch {
    return
  }
  const status = await askVersion(stream).catch(() => undefined)
  if (status === 200) return
  throw new JijiError(
    'tunnel.failed',
    `${connection.server}: the registry does not answer through the tunnel (${status ?? 'no answer'})`,
    {
      server: connection.server,
      hint: 'is the local registry running? docker logs jiji-registry',
    },
  )
}

/** The status of `GET /v2/`; undefined when what answers does not speak HTTP. */
async function askVersion(stream: Duplex): Promise<number | undefined> {
  const limit = setTimeout(() => stream.destroy(new Error('no answer in 10 s')), 10_000)
  try {
    stream.write('GET /v2/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    let text = ''
    for await (const chunk of stream) {
      text += String(chunk)
      if (text.includes('\r\n')) break
    }
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1]
    return status === undefined ? undefined : Number(status)
  } finally {
    clearTimeout(limit)
    stream.destroy()
  }
}

async function pull(
  { config, secrets, report, signal }: PullContext,
  runner: Runner,
  plan: ServerPlan,
  digests: Digests,
  registryHere: string | undefined,
): Promise<Digests> {
  const { server } = runner
  const pulls = plan.replacements.map(({ service, image }): Pull => {
    const digest = digests.get(service)
    return {
      service,
      name: image,
      source: sourceOf(image, digest, registryHere),
      login: loginFor(config, secrets, image, config.services.find(({ name }) => name === service)?.registry),
    }
  })
  return reported(
    report,
    { step: 'pull', server, detail: pulls.map(({ service }) => service).join(', ') },
    async () => {
      const output = await runner.run(pullImages(plan.engine, pulls), { signal, timeout: limits.pull })
      if (output.code === 0) return readDigests(output.stdout)
      const failed = pulls.find(({ service }) => output.stdout.includes(`failed ${service}\n`))
      if (failed?.login) await checkLogin(failed.login, signal)
      throw (
        engineFailure(runner, plan.engine, output) ??
        new JijiError(
          'pull.failed',
          `${server}: ${failed?.name ?? 'an image'} could not be pulled: ${lastLine(output.stderr)}`,
          {
            server,
            ...(failed && !failed.login
              ? { hint: 'no credential was used: none of those declared covers this name' }
              : {}),
          },
        )
      )
    },
  )
}

function sourceOf(image: string, digest: string | undefined, registryHere: string | undefined): string {
  if (!digest) return image
  const repository = image.replace(/:[^:/]*$/, '')
  const there = registryHere ? repository.replace(/^localhost:\d+/, registryHere) : repository
  return `${there}@${digest}`
}

function readDigests(text: string): Digests {
  const found = [...text.matchAll(/^digest (\S+) (\[.*\])$/gm)]
  return new Map(
    found.map(([, service = '', list = '[]']) => [service, (JSON.parse(list) as string[])[0]?.split('@')[1] ?? '']),
  )
}
