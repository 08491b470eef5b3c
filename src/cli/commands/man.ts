import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { configSchema } from '../../config/json-schema.ts'
import { entriesOf } from '../../config/reference.ts'
import { renderManPage } from '../../ui/roff.ts'
import type { Command } from '../command.ts'
import type { Context } from '../context.ts'
import { manPages } from '../man.ts'

declare const JIJI_VERSION: string

/** For the build and for packagers; SOURCE_DATE_EPOCH, as theirs has it, makes the same pages of the same sources. */
export function writingManPages(catalogue: readonly Command[]) {
  return {
    async run({ args, directory, environment }: Context): Promise<void> {
      const folder = resolve(directory, args[0] ?? '')
      const epoch = environment.SOURCE_DATE_EPOCH
      const date = (epoch ? new Date(Number(epoch) * 1000) : new Date()).toISOString().slice(0, 10)
      mkdirSync(folder, { recursive: true })
      for (const page of manPages(catalogue, entriesOf(configSchema())))
        writeFileSync(
          join(folder, `${page.name}.${page.section}`),
          renderManPage(page, { version: JIJI_VERSION, date }),
        )
    },
  }
}
