"""Where the schemes come from."""

GLOROT = "Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward neural networks"
HE = "He, Zhang, Ren and Sun 2015, Delving deep into rectifiers"
KLAMBAUER = "Klambauer, Unterthiner, Mayr and Hochreiter 2017, Self-normalizing neural networks"
KRIZHEVSKY = "Krizhevsky, Sutskever and Hinton 2012, ImageNet classification with deep CNNs"
LE = "Le, Jaitly and Hinton 2015, A simple way to initialize recurrent networks of rectified linear units"
LECUN = "LeCun, Bottou, Orr and Müller 1998, Efficient backprop"
MARTENS = "Martens 2010, Deep learning via Hessian-free optimization"
MISHKIN = "Mishkin and Matas 2015, All you need is a good init"
PENNINGTON = (
    "Pennington, Schoenholz and Ganguli 2017, Resurrecting the sigmoid in deep learning through dynamical isometry"
)
POOLE = "Poole et al. 2016, Exponential expressivity in deep neural networks through transient chaos"
RUMELHART = "Rumelhart, Hinton and Williams 1986, Learning representations by back-propagating errors"
SAXE = (
    "Saxe, McClelland and Ganguli 2014, Exact solutions to the nonlinear dynamics of learning in deep linear networks"
)
SCHOENHOLZ = "Schoenholz, Gilmer, Ganguli and Sohl-Dickstein 2017, Deep information propagation"
