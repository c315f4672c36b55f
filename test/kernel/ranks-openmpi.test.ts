import { testKernelOfRanks } from "./rank-cases";

testKernelOfRanks("openmpi");
