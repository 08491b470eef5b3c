import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Service } from '../config/config.ts'
import { JijiError } from '../errors.ts'
import { lastLine } from '../runner/engine-failure.ts'
import { readLocally } from '../runner/local.ts'
import { holdFolder, packFolder, unpackFolder } from '../shell/contexts.ts'
import type { Builder } from './builder.ts'
import { namesToSend } from './context-names.ts'
import { type Report, reported } from './event.ts'

type Build = NonNullable<Service['build']>

/** The folder, where the builder has it, that holds the context of a build. */
export type FolderOf = (build: Build) => Promise<string>

type ContextsOptions = { builder: Builder; root: string; report: Report; signal: AbortSignal }

/**
 * Gives the builder the contexts of builds, each once. Elsewhere they are in a folder that goes when `use` is done, and with
 * the connection.
 */
export async function withContexts<T>(options: ContextsOptions, use: (folderOf: FolderOf) => Promise<T>): Promise<T> {
  const { builder, root } = options
  if (builder.isHere) return use(async ({ context }) => join(root, context))
  return withFolder(options, folder => {
    const sent = new Map<string, Promise<string>>()
    return use(build => {
      // What is left at home depends on the Dockerfile's name.
      const key = JSON.stringify([build.context, build.dockerfile])
      const there = sent.get(key) ?? sendContext(options, build, `${folder}/${sent.size + 1}`)
      sent.set(key, there)
      return there
    })
  })
}

async function withFolder<T>(
  { builder: { runner }, signal }: ContextsOptions,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const over = new AbortController()
  let found: (folder: string) => void = () => {}
  const folder = new Promise<string>(resolve => {
    found = resolve
  })
  const held = runner.run(holdFolder(), {
    until: AbortSignal.any([signal, over.signal]),
    onLine: line => {
      if (line.startsWith('folder ')) found(line.slice('folder '.length))
    },
  })
  const never = held.then(({ stderr }) => {
    throw new JijiError(
      'build.failed',
      `${runner.server}: no folder for the build could be made: ${lastLine(stderr)}`,
      {
        server: runner.server,
      },
    )
  })
  never.catch(() => {})
  try {
    return await use(await Promise.race([folder, never]))
  } finally {
    over.abort()
    await held.catch(() => {})
  }
}

async function sendContext(options: ContextsOptions, build: Build, there: string): Promise<string> {
  const { builder, root, report, signal } = options
  const { runner } = builder
  const here = join(root, build.context)
  await reported(report, { step: 'send', server: runner.server, detail: here }, async () => {
    const over = new AbortController()
    const packing = packFolder(here, namesIn(here, build.dockerfile))
    const { stream, ended } = readLocally(packing, AbortSignal.any([signal, over.signal]))
    ended.catch(() => {})
    try {
      const unpacked = await runner.run(unpackFolder(there), { signal, input: stream })
      if (unpacked.code !== 0) throw notSent(runner.server, here, lastLine(unpacked.stderr))
      const packed = await ended
      if (packed.code !== 0) throw notSent(runner.server, here, `it could not be read: ${lastLine(packed.stderr)}`)
    } finally {
      over.abort(new Error('the builder reads no more'))
    }
  })
  return there
}

function namesIn(folder: string, dockerfile = 'Dockerfile'): string[] {
  const names = readdirSync(folder)
  // Engines prefer these to .dockerignore.
  const isOther = names.includes('.containerignore') || existsSync(join(folder, `${dockerfile}.dockerignore`))
  if (isOther || !names.includes('.dockerignore')) return names
  const [top = ''] = dockerfile.replace(/^(\.\/)+/, '').split('/')
  const kept = ['.dockerignore', 'Dockerfile', 'Containerfile', top]
  return namesToSend(names, readFileSync(join(folder, '.dockerignore'), 'utf8'), kept)
}

function notSent(server: string, folder: string, why: string): JijiError {
  return new JijiError('build.failed', `${server}: ${folder} could not be sent: ${why}`, { server })
}
