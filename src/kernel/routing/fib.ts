/** Routes and policy rules in a form that look-ups are fast in. */
export interface Fib {
  readonly placeholder?: never;
}
