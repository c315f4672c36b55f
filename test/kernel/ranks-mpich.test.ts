import { testKernelOfRanks } from "./rank-cases";

testKernelOfRanks("mpich");
