import type { Context } from '../context.ts'

declare const JIJI_VERSION: string

export async function run({ output }: Context): Promise<void> {
  if (output.style.json) output.json({ schemaVersion: 1, version: JIJI_VERSION, node: process.version })
  else output.result(`jiji ${JIJI_VERSION}`)
}
