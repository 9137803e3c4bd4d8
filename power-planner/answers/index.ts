export type { Answer, Assumption, Finding } from './answer.ts';
export { type BudgetAnswer, type BudgetRow, budgetOf, type Consumer, type SwitchBudget } from './budget.ts';
export type { Chain, ChainLoad, ChainSwitch, Flow } from './chain.ts';
export { type LifeAnswer, type LifeModel, lifeOf, type StandbyChoice } from './life.ts';
export type { PackCase, PackFigures } from './pack.ts';
export { type RuntimeAnswer, type RuntimeCase, runtimeOf, type Shedding, type ShedStep } from './runtime.ts';
export { type PackOffer, type SizeAnswer, sizeOf } from './size.ts';
