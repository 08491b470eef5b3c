#!/usr/bin/env node
import { serve } from './cli/credential-helper.ts'

process.exitCode = await serve({
  argv: process.argv.slice(2),
  environment: process.env,
  // An engine may be called in a folder that is there no more.
  get directory() {
    return process.cwd()
  },
  get stdin() {
    return process.stdin
  },
  stdout: process.stdout,
  stderr: process.stderr,
})
