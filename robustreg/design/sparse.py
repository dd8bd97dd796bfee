from robustreg.design.dense import DenseDesign
class SparseDesign(DenseDesign):
    pass
