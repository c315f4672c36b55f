import { testAnomalies } from "./anomaly-cases";

testAnomalies("mpich");
