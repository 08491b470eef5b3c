import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { findConfig } from '../../config/find.ts'
import { configSchema } from '../../config/json-schema.ts'
import { readConfig } from '../../config/load.ts'
import { entriesOf } from '../../config/reference.ts'
import type { Command } from '../command.ts'
import { candidatesFor, type Known } from '../complete.ts'
import type { Context } from '../context.ts'

/** Answers the scripts of `jiji completion`. Whatever is wrong, there is nothing to suggest then, and nothing to say. */
export function completing(catalogue: readonly Command[]) {
  return {
    async run({ args, output, directory }: Context): Promise<void> {
      const found = candidatesFor(catalogue, args, knownIn(directory, args))
      for (const { word, about } of found) if (!/\s/.test(word)) output.document(about ? `${word}\t${about}` : word)
    },
  }
}

function knownIn(directory: string, words: readonly string[]): Known {
  const wanted = {
    directory,
    file: givenTo(words, '-c', '--config'),
    environment: givenTo(words, '-e', '--environment'),
  }
  return {
    config: () => quietly(() => readConfig(wanted).config),
    environments: () => quietly(() => environmentsIn(findConfig({ ...wanted, environment: undefined }).root)) ?? [],
    keys: () => entriesOf(configSchema()).map(({ key, description }) => ({ word: key, about: description })),
  }
}

function givenTo(words: readonly string[], short: string, long: string): string | undefined {
  const index = words.findLastIndex((word, at) => at < words.length - 2 && (word === short || word === long))
  return index < 0 ? undefined : words[index + 1]
}

function environmentsIn(root: string): string[] {
  return readdirSync(join(root, '.jiji')).flatMap(name => /^deploy\.(.+)\.ya?ml$/.exec(name)?.[1] ?? [])
}

function quietly<T>(ask: () => T): T | undefined {
  try {
    return ask()
  } catch {
    return undefined
  }
}
