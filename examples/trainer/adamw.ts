// Owns: how weights follow gradients: AdamW, with the length of the gradient bounded. Does not own: gradients (network.ts).
import { type Floats, zerosLike } from './matmul.js';
import type { Network } from './network.js';

export interface StepOptions {
  readonly learningRate: number;
  /** of matrices alone: a norm's weights are no slopes */
  readonly decay?: number;
  /** a longer gradient is shortened to it */
  readonly maxNorm?: number;
}

const BETA1 = 0.9;
const BETA2 = 0.99;
const EPSILON = 1e-8;

export class AdamW {
  readonly #network: Network;
  readonly #first = new Map<string, Floats>();
  readonly #second = new Map<string, Floats>();
  /** BETA ** steps, by products: the power function's last bit is nobody's promise */
  #power1 = 1;
  #power2 = 1;

  constructor(network: Network) {
    this.#network = network;
    for (const [name, values] of network.weights) {
      this.#first.set(name, zerosLike(values, values.length));
      this.#second.set(name, zerosLike(values, values.length));
    }
  }

  /** Moves the weights, clears the gradients. @returns the gradient's length before it was bounded */
  step({ learningRate, decay = 0.01, maxNorm = 1 }: StepOptions): number {
    const { weights, gradients } = this.#network;
    let squares = 0;
    for (const gradient of gradients.values()) for (const g of gradient) squares += g * g;
    const norm = Math.sqrt(squares);
    const shorten = norm > maxNorm ? maxNorm / norm : 1;
    this.#power1 *= BETA1;
    this.#power2 *= BETA2;
    for (const [name, weight] of weights) {
      const gradient = gradients.get(name)!;
      const [first, second] = [this.#first.get(name)!, this.#second.get(name)!];
      const kept = 1 - learningRate * (name.includes('norm') ? 0 : decay);
      for (let i = 0; i < weight.length; i++) {
        const g = gradient[i]! * shorten;
        first[i] = BETA1 * first[i]! + (1 - BETA1) * g;
        second[i] = BETA2 * second[i]! + (1 - BETA2) * g * g;
        const mean = first[i]! / (1 - this.#power1);
        const deviation = Math.sqrt(second[i]! / (1 - this.#power2));
        weight[i] = kept * weight[i]! - (learningRate * mean) / (deviation + EPSILON);
      }
    }
    this.#network.clearGradients();
    return norm;
  }
}
