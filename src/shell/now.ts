import { sh } from './script.ts'

/** `now`: seconds for measuring how long something takes, which nobody sets as they do a clock. Only Linux has them. */
export const defineNow = sh`now() { cut -d. -f1 /proc/uptime 2>/dev/null || date +%s; }`
