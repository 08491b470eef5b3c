#!/usr/bin/env node

// In a chunk of its own: what a program imports by itself is in the file that every command loads.
const { serve } = await import('./cli/credential-helper.ts')

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
