import { JijiError } from '../errors.ts'
import { loginFor } from '../registry/credentials.ts'
import { engineConfigOf, engineConfigWith } from '../registry/engine-config.ts'
import { pushOnly } from '../registry/local/push-only.ts'
import { checkLogin } from '../registry/verify/check.ts'
import { lastLine } from '../runner/engine-failure.ts'
import { type Connection, canTunnel, type Output, type Runner } from '../runner/runner.ts'
import { loadImage, pushImage, pushImageAs, saveImage } from '../shell/images.ts'
import type { Script } from '../shell/script.ts'
import { cacheOfBuild } from './build-cache.ts'
import type { OneBuild } from './build-context.ts'
import type { ImageBuild } from './build-image.ts'
import { reported } from './event.ts'
import { limits } from './limits.ts'
import { openTunnel, throughTunnel } from './tunnel.ts'
import { type Refusal, wordsFor } from './tunnel-refusal.ts'

/**
 * Pushes an image from where it was built.
 * @returns its digest
 * @throws JijiError push.failed, registry.refused
 */
export async function pushBuilt(context: OneBuild, service: string, name: string): Promise<string> {
  const { config, here, builder } = context
  const { registry } = config.builder
  if (registry.type === 'remote') return pushToRegistry(context, service, name)
  return canTunnel(builder.runner)
    ? pushFrom(context, builder.runner, registry.port, service, name)
    : push(context, here, pushImage(config.builder.engine, name, undefined), service, name)
}

async function pushToRegistry(context: OneBuild, service: string, name: string): Promise<string> {
  const { config, secrets, builder, signal } = context
  const { engine } = config.builder
  const login = loginFor(config, secrets, name)
  const auth = login && (builder.isHere ? engineConfigWith : engineConfigOf)(engine, [login])
  return push(context, builder.runner, pushImage(engine, name, auth), service, name, async () => {
    if (login) await checkLogin(login, signal)
  })
}

/** Pushes an image under the name, too, where the next build looks for the cache that is in it. */
export async function pushInlineCache(context: OneBuild, { images: [image], platform }: ImageBuild): Promise<void> {
  const { config, secrets, builder } = context
  const { engine } = config.builder
  const cache = image && cacheOfBuild(config, image.service, platform)
  if (!image || cache?.type !== 'inline') return
  const login = loginFor(config, secrets, cache.ref)
  const auth = login && (builder.isHere ? engineConfigWith : engineConfigOf)(engine, [login])
  await push(context, builder.runner, pushImageAs(engine, image.name, cache.ref, auth), image.service, cache.ref)
}

/** To the registry of this machine, through a tunnel that lets the builder write this one repository. */
async function pushFrom(
  context: OneBuild,
  runner: Connection,
  port: number,
  service: string,
  name: string,
): Promise<string> {
  const { config, report } = context
  const repository = name.replace(/^[^/]+\//, '').replace(/:[^:/]*$/, '')
  const opened = await openTunnel(runner, port, { attend: () => ({ guard: pushOnly([repository]) }) })
  if (!opened.tunnel) return fetchAndPush(context, runner, service, name, opened.why)
  return throughTunnel(runner, opened, report, there => {
    const script = pushImageAs(config.builder.engine, name, name.replace(/^[^/]+/, `127.0.0.1:${there}`))
    return push(context, runner, script, service, name)
  })
}

/** Where the builder's sshd forbids tunnels: all of the image comes here as a stream, and is pushed from here. */
async function fetchAndPush(
  context: OneBuild,
  runner: Connection,
  service: string,
  name: string,
  why: Refusal,
): Promise<string> {
  const { config, here, report, signal } = context
  const { engine } = config.builder
  const detail = `no tunnel, so that the image comes through the connection itself: ${wordsFor(why)}`
  report({ step: 'tunnel', state: 'done', server: runner.server, detail })
  await reported(report, { step: 'fetch', server: runner.server, service, detail: name }, async () => {
    const over = new AbortController()
    const { stream, ended } = runner.read(saveImage(engine, name), AbortSignal.any([signal, over.signal]))
    ended.catch(() => {})
    try {
      const loaded = await here.run(loadImage(engine, name), { signal, timeout: limits.pull, input: stream })
      const saved = await ended
      const failed = [saved, loaded].find(({ code }) => code !== 0)
      if (failed) throw notPushed(service, name, failed)
    } finally {
      over.abort(new Error('nobody reads it any more'))
    }
  })
  return push(context, here, pushImage(engine, name, undefined), service, name)
}

async function push(
  { report, signal }: OneBuild,
  runner: Runner,
  script: Script,
  service: string,
  name: string,
  onRefusal: () => Promise<void> = async () => {},
): Promise<string> {
  return reported(report, { step: 'push', service, detail: name }, async () => {
    const output = await runner.run(script, {
      signal,
      onLine: line => report({ step: 'push', state: 'note', service, detail: line }),
    })
    if (output.code === 0) return pushedDigest(output.stdout, service)
    await onRefusal()
    throw notPushed(service, name, output)
  })
}

function notPushed(service: string, name: string, { stderr }: Output): JijiError {
  return new JijiError('push.failed', `${service}: ${name} could not be pushed: ${lastLine(stderr)}`, {
    hint: 'does the credential allow writing there? GHCR also wants the package linked to a repository',
  })
}

/** An image may be known under several digests; the one that counts is the one that the push itself named. */
function pushedDigest(text: string, service: string): string {
  const known = [...text.matchAll(/^digest (sha256:[0-9a-f]{64})$/gm)].map(([, digest]) => digest ?? '')
  const named = known.filter(digest => text.replace(/^digest .*$/gm, '').includes(digest))
  const digest = named[0] ?? known[0]
  if (!digest) throw new JijiError('push.failed', `${service}: the engine does not say which digest was pushed`)
  return digest
}
