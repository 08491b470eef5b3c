#!/usr/bin/env node
import { main } from './cli/main.ts'

process.exitCode = await main({
  argv: process.argv.slice(2),
  environment: { ...process.env },
  forget(names) {
    for (const name of names) delete process.env[name]
  },
  directory: process.cwd(),
  // Node makes a stream when it is first asked for, which takes milliseconds, and help needs only one of them.
  get stdin() {
    return process.stdin
  },
  get stdout() {
    return process.stdout
  },
  get stderr() {
    return process.stderr
  },
})
