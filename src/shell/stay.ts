import { type Script, sh } from './script.ts'

/** Runs until its stdin ends: a connection that is lost is noticed by whoever waits for it. */
export function stay(): Script {
  return sh`echo ready
while :; do interruptible sleep 1000000; done`
}
