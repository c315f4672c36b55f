/** Ranks that ask for keyboard input: a question that several ask at the same place of a cell is put once. */

import type { InputAnswer } from "./cell-host";

type Question = { readonly prompt: string; readonly isPassword: boolean };

interface Asked extends Question {
  answer?: InputAnswer;
  readonly waiting: number[];
}

export class RankQuestions {
  private asked = new Map<string, Asked>();
  private counts = new Map<number, number>();
  private current: Asked | undefined;

  constructor(
    private readonly ask: (question: Question) => void,
    private readonly answer: (rank: number, answer: InputAnswer) => void,
  ) {}

  /** A new cell begins. */
  restart(): void {
    this.asked = new Map();
    this.counts = new Map();
    this.current = undefined;
  }

  take(rank: number, question: Question): void {
    const count = this.counts.get(rank) ?? 0;
    this.counts.set(rank, count + 1);
    const key = `${count} ${question.prompt}`;
    const known = this.asked.get(key);
    if (known?.answer !== undefined) {
      this.answer(rank, known.answer);
    } else if (known !== undefined) {
      known.waiting.push(rank);
    } else {
      this.asked.set(key, { ...question, waiting: [rank] });
      this.askNext();
    }
  }

  /** What the person said to the question that was put last. */
  settle(answer: InputAnswer): void {
    const answered = answer.isInterrupted ? [...this.asked.values()] : this.current ? [this.current] : [];
    for (const question of answered) {
      question.answer ??= answer;
      for (const rank of question.waiting.splice(0)) this.answer(rank, answer);
    }
    this.current = undefined;
    this.askNext();
  }

  private askNext(): void {
    if (this.current !== undefined) return;
    this.current = [...this.asked.values()].find(({ answer }) => answer === undefined);
    if (this.current !== undefined) this.ask(this.current);
  }
}
