import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine } from '../config/config.ts'
import { JijiError } from '../errors.ts'
import { engineFailure, lastLine } from '../runner/engine-failure.ts'
import { localRunner, readLocally } from '../runner/local.ts'
import type { Output, Runner } from '../runner/runner.ts'
import { findImages, loadImage, saveImage } from '../shell/images.ts'
import { type Report, reported } from './event.ts'
import { idsIn } from './image-ids.ts'
import { limits } from './limits.ts'

/** An image by the name that it gets on a server, and the one that it has here. */
type Sent = { name: string; here: string }

type SendContext = { engineHere: Engine; engineThere: Engine; report: Report; signal: AbortSignal }

/**
 * Gets images of this machine to a server as a stream over the connection, where no tunnel can be opened: all of their
 * layers, also those that the server has. What it has afterwards must be the same image, by the digest of its
 * configuration.
 * @throws JijiError pull.failed, engine.*
 */
export async function sendImages(context: SendContext, runner: Runner, images: readonly Sent[]): Promise<void> {
  const { engineHere, engineThere, signal } = context
  const ask = async (where: Runner, engine: Engine, names: readonly string[]) =>
    idsIn(await where.run(findImages(engine, names), { signal, timeout: limits.ask }))
  const namesHere = images.map(({ here }) => here)
  const namesThere = images.map(({ name }) => name)
  const [idsHere, idsThere] = await Promise.all([
    ask(localRunner('here'), engineHere, namesHere),
    ask(runner, engineThere, namesThere),
  ])
  for (const image of images) {
    const id = idsHere.get(image.here)
    if (!id) throw new JijiError('pull.failed', `this machine has no ${image.here} to send`, { server: runner.server })
    if (idsThere.get(image.name) !== id) await sendImage(context, runner, image, id)
  }
}

async function sendImage(context: SendContext, runner: Runner, { name, here }: Sent, id: string): Promise<void> {
  const { engineHere, engineThere, report, signal } = context
  const { server } = runner
  await reported(report, { step: 'pull', server, detail: `${name}, all of it, through the connection` }, async () => {
    const over = new AbortController()
    const { stream, ended } = readLocally(saveImage(engineHere, here), AbortSignal.any([signal, over.signal]))
    ended.catch(() => {})
    try {
      const output = await runner.run(loadImage(engineThere, name, here), {
        signal,
        timeout: limits.pull,
        input: stream,
      })
      if (output.code === 0 && idsIn(output).get(name) === id) return
      throw await whyNotSent(runner, engineThere, name, output, ended)
    } finally {
      over.abort(new Error('the server reads no more'))
    }
  })
}

async function whyNotSent(
  runner: Runner,
  engine: Engine,
  name: string,
  output: Output,
  ended: Promise<Output>,
): Promise<JijiError> {
  const { server } = runner
  const known = engineFailure(runner, engine, output)
  if (known) return known
  const saved = await Promise.race([ended, sleep(1000, undefined)])
  const why =
    saved && saved.code !== 0
      ? `it could not be read here: ${lastLine(saved.stderr)}`
      : output.code === 0
        ? 'what arrived is another image'
        : lastLine(output.stderr)
  return new JijiError('pull.failed', `${server}: ${name} could not be sent: ${why}`, { server })
}
